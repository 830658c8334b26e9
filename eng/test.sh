#!/usr/bin/env bash
# Installs what the tests need and runs them all. The last line is 'N passed, N failed, N skipped'.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 UseSharedCompilation=true
unset MSBUILDDISABLENODEREUSE
./eng/install-test-tools.sh || exit 1
dotnet build Coco.slnx -c Release -nologo -v q || exit 1
passed=0 failed=0 skipped=0 broken=0
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
for project in test/*.Tests; do
  name="$(basename "$project")"
  echo "== $name"
  timeout 2400 "artifacts/bin/$name/release/$name" --progress off --no-ansi >"$logs/$name" 2>&1
  code=$?
  # 8 is the platform's word for "no test ran".
  if [ $code -ne 0 ] && [ $code -ne 8 ]; then broken=1; cat "$logs/$name"; fi
  p=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' "$logs/$name" | tail -1)
  f=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' "$logs/$name" | tail -1)
  s=$(sed -n 's/^ *skipped: *\([0-9]*\).*/\1/p' "$logs/$name" | tail -1)
  echo "   ${p:-0} passed, ${f:-0} failed, ${s:-0} skipped (exit $code)"
  passed=$((passed + ${p:-0})); failed=$((failed + ${f:-0})); skipped=$((skipped + ${s:-0}))
done
if [ $broken -ne 0 ] && [ $failed -eq 0 ]; then failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
