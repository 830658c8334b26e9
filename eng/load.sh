#!/usr/bin/env bash
# Loads real servers on the loopback from another process, and prints one figure a line:  ./eng/load.sh [kbs|peer|replicas|as]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
for project in src/Coco.Trustee bench/Coco.Load; do
  if ! dotnet build "$here/$project" -c Release -v q -nologo >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
done
"$here/artifacts/bin/Coco.Load/release/Coco.Load" "$@"
