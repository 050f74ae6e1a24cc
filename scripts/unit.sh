#!/usr/bin/env bash
# Runs the unit and script tests. `quick`: only the packages whose tests do not link DuckDB. `all`: those with the
# race detector, then the others without it: the race detector cannot see into DuckDB's C++ and would only slow it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=${1:-all}

# A test binary is listed as "package.test"; its dependencies say whether the database is linked in.
list=$(go list -test -f '{{.ImportPath}}{{range .Deps}}{{if eq . "github.com/duckdb/duckdb-go/v2"}} duckdb{{end}}{{end}}' ./... |
	grep -E '\.test( duckdb)?$' || true)
mapfile -t pure < <(grep -vE ' duckdb$' <<<"$list" | sed 's/\.test$//' | grep . || true)
mapfile -t linked < <(grep -E ' duckdb$' <<<"$list" | sed 's/\.test duckdb$//' || true)

if [[ $mode == quick ]]; then
	exec go test -timeout 2m "${pure[@]}"
fi
status=0
((${#pure[@]} == 0)) || go test -race -timeout 5m "${pure[@]}" || status=$?
((${#linked[@]} == 0)) || go test -timeout 10m "${linked[@]}" || status=$?
exit "$status"
