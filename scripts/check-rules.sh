#!/usr/bin/env bash
# Judges every shipped rule, and the queries of the conformance scripts, with Microsoft's own analyser, which lies in
# ../shared. Fails unless as many rules were checked as are shipped and all are accepted. With the argument `types` it writes
# what the analyser says of operators and functions over types (internal/casefile/testdata/types.txt) instead.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -d ../shared/kql ]; then
  echo "SKIP rules-check: ../shared/kql is absent"
  [ "${CI:-}" != true ]
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r ../shared/kql ../shared/evidence "$work"/
chmod -R u+w "$work"
(cd "$work/kql" && npm ci --silent --no-audit --no-fund)
if [ "${1:-}" = types ]; then
  go test ./internal/casefile -short -count=1 -run 'TestTypes$' -update -args -analyser "$work/kql"
  exit
fi
shipped=$(find hunts -name '*.yaml' | wc -l)
rules=$work/rules # without the questions of single steps, which are not rules and do not stand alone
mkdir "$rules" && (cd hunts && find . -name '*.yaml' -exec cp --parents {} "$rules" \;)
out=$(cd "$work/kql" && node check_kql.mjs "$rules") || { echo "$out"; exit 1; }
echo "$out"
echo "$out" | grep -qE "^$shipped files, 0 with errors" || { echo "expected $shipped rules checked and none with errors"; exit 1; }
go test ./internal/casefile -count=1 -run "TestAnalyserAccepts|TestTypesRecord" -args -analyser "$work/kql"
