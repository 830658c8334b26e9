#!/usr/bin/env bash
# Installs the Debian packages that the tests drive. Does nothing where all are there.
set -euo pipefail
packages=(jq curl openssl in-toto gnupg postgresql-15 redis-server nebula softhsm2 ovmf swtpm swtpm-tools tpm2-tools haproxy faketime)
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
