#!/usr/bin/env bash
# Fuzzing:  ./eng/fuzz.sh smoke ROUNDS [TARGET...]   seeded mutations, the same on every run
#           ./eng/fuzz.sh list | seeds TARGET DIR | run TARGET | replay TARGET FILE   (run: under AFL++, see SharpFuzz)
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! dotnet build "$here/fuzz/Coco.Fuzz" -c Release -v q -nologo >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
"$here/artifacts/bin/Coco.Fuzz/release/Coco.Fuzz" "$@"
