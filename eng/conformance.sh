#!/usr/bin/env bash
# Judges every case of a folder of vectors:  ./eng/conformance.sh [DIR [KIND...]] [--verbose]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! dotnet build "$here/test/Coco.Conformance" -c Release -v q -nologo >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
"$here/artifacts/bin/Coco.Conformance/release/Coco.Conformance" "$@"
