#!/usr/bin/env bash
# Runs every benchmark of the repository three times and sums the runs up. Ratios within one run are what counts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t packages < <(scripts/packages.sh '^func Benchmark')
if ((${#packages[@]} == 0)); then
	echo "bench: there is no benchmark"
	exit 0
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go test -run '^$' -bench . -benchmem -count 3 -timeout 60m "${packages[@]}" | tee "$out"
go tool -modfile=tools/go.mod benchstat "$out"
