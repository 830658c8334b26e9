#!/usr/bin/env bash
# Measures, and prints one figure a line (name value unit limit ratio):  ./eng/bench.sh [GROUP] [--cpu-time]
# --cpu-time measures the CPU time of the process, for a machine that others use too.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! dotnet build "$here/bench/Coco.Benchmarks" -c Release -v q -nologo >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
"$here/artifacts/bin/Coco.Benchmarks/release/Coco.Benchmarks" "$@"
