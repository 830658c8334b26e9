#!/usr/bin/env bash
# Makes OUT/rootfs, the file system of the image of the server, and OUT/state, its empty state: the program, the .NET runtime, the libraries that
# both load, authorities of the web. No shell, no package manager, nothing that runs but the server.
#   deploy/container/rootfs.sh OUT [APP]     APP: a folder with the published program; without it the program is published first
# Needs a glibc system with the .NET SDK and OpenSSL 3 (the SDK's own image will do).
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "$1/rootfs" "$1/state"
out="$(cd "$1/rootfs" && pwd)"
app="${2:-}"
if [ -z "$app" ]; then
  app="$(mktemp -d)"
  trap 'rm -rf "$app"' EXIT
  dotnet publish "$source/src/Coco.Trustee" -c Release -o "$app" -nologo -v q
fi

dotnet="$(dirname "$(readlink -f "$(command -v dotnet)")")"
version="$(sed -n 's/.*"version": "\([0-9]*\.[0-9]*\)\..*/\1/p' "$app/trustee.runtimeconfig.json" | head -1)"
for framework in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
  newest="$(find "$dotnet/shared/$framework" -mindepth 1 -maxdepth 1 -name "$version.*" | sort -V | tail -1)"
  mkdir -p "$out/usr/share/dotnet/shared/$framework"
  cp -R "$newest" "$out/usr/share/dotnet/shared/$framework/"
done
cp -R "$dotnet/host" "$out/usr/share/dotnet/"

architecture="$(uname -m)"
case "$architecture" in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) echo "no image for $architecture" >&2; exit 1 ;; esac
mkdir -p "$out/app"
cp -R "$app/." "$out/app/"
find "$out/app" \( -name '*.pdb' -o -name '*.xml' \) -delete
if [ -d "$out/app/runtimes" ]; then
  find "$out/app/runtimes" -mindepth 1 -maxdepth 1 ! -name "$rid" -exec rm -rf {} +
fi

# What is linked, and what is loaded by name: OpenSSL by the runtime, the name services by the C library.
libraries="/usr/lib/$architecture-linux-gnu"
copy_library() {
  local from="$1" to
  to="$out/usr/lib/$architecture-linux-gnu/$(basename "$from")"
  [ -e "$to" ] || { mkdir -p "$(dirname "$to")"; cp -L "$from" "$to"; }
}
for name in libssl.so.3 libcrypto.so.3 libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
  [ ! -e "$libraries/$name" ] || copy_library "$libraries/$name"
done
find "$out" -type f \( -name '*.so' -o -name '*.so.*' -o -name trustee \) -print0 | while IFS= read -r -d '' file; do
  ldd "$file" 2>/dev/null | awk '$3 ~ /^\/(usr\/)?lib/{print $3}' | while IFS= read -r library; do copy_library "$library"; done
done
loader="$(ldd "$out/app/trustee" | awk '$1 ~ /ld-linux/{print $1}')"
mkdir -p "$out$(dirname "$loader")"
cp -L "$loader" "$out$loader"
mkdir -p "$out/lib"
ln -sfn "../usr/lib/$architecture-linux-gnu" "$out/lib/$architecture-linux-gnu"

mkdir -p "$out/etc/ssl/certs" "$out/tmp" "$out/var/lib"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/"
mkdir -p "$out/usr/lib/ssl"
ln -sfn /etc/ssl/certs "$out/usr/lib/ssl/certs"
[ ! -e /etc/ssl/openssl.cnf ] || { cp -L /etc/ssl/openssl.cnf "$out/etc/ssl/"; ln -sfn /etc/ssl/openssl.cnf "$out/usr/lib/ssl/openssl.cnf"; }
printf 'root:x:0:0:root:/:/nonexistent\ntrustee:x:1654:1654:trustee:/var/lib/trustee:/nonexistent\n' >"$out/etc/passwd"
printf 'root:x:0:\ntrustee:x:1654:\n' >"$out/etc/group"
printf 'hosts: files dns\n' >"$out/etc/nsswitch.conf"
chmod 1777 "$out/tmp"
chmod 700 "$out/../state"
