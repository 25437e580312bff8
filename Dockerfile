# Tidemark: the API, the worker and the migrations are one image; the command says which.
# glibc: Temporal's SDK ships no library for musl.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are needed here: the compiler and the bundler have theirs by platform.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --prefer-offline
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/bundle-workflows.mjs scripts/trim-image.mjs scripts/
COPY src src
COPY web web
# The SBOM is made of all that the lock file has, and the last step leaves in it what it leaves in the image. With --omit=dev npm forgets packages that both need.
RUN npm run build \
 && npm sbom --package-lock-only --legacy-peer-deps --sbom-format=cyclonedx > sbom.cdx.json \
 && node scripts/trim-image.mjs sbom.cdx.json

FROM node:24-bookworm-slim
# TIDEMARK_HOST is the container's own, where others can reach it: so it asks for logins. Compose publishes the port on the host's loopback.
ENV NODE_ENV=production \
    TIDEMARK_HOST=0.0.0.0 \
    TIDEMARK_AUTH=tokens \
    TIDEMARK_DATA=/data
WORKDIR /app
COPY --from=build /app/package.json /app/sbom.cdx.json ./
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
HEALTHCHECK --interval=10s --timeout=10s --start-period=90s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TIDEMARK_PORT || 4000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["api"]
# Last: the revision changes with each build.
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tidemark" \
      org.opencontainers.image.description="Exact, versioned mirrors of container repositories: a GraphQL API, durable Temporal workflows, immutable versions." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
