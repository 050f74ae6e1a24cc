#!/usr/bin/env bash
# Regenerates what documentation shows of the program: the import table and, from the demo's result, README's picture.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go test -count=1 -run TestImports . -update
./replaytrace hunt demo/evidence --format json >demo/findings.json
go run ./scripts/timeline demo/findings.json >demo/timeline.svg
mv demo/timeline.svg docs/timeline.svg
echo "docs/ARCHITECTURE.md and docs/timeline.svg are up to date"
