#!/usr/bin/env bash
# The static checks: formatting, vet, staticcheck, tidy modules, the architecture test. Reports all, then fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tool=(go tool -modfile=tools/go.mod)
status=0

step() { # step NAME COMMAND...: run, and remember a failure
	local name=$1
	shift
	"$@" && printf 'check %-12s ok\n' "$name" && return
	printf 'check %-12s FAILED\n' "$name"
	status=1
}

formatted() {
	local diff
	diff=$("${tool[@]}" gofumpt -extra -d .) || return
	[[ -z $diff ]] && return
	printf '%s\nrun: go tool -modfile=tools/go.mod gofumpt -extra -w .\n' "$diff"
	return 1
}

step format formatted
step vet go vet ./...
step staticcheck "${tool[@]}" staticcheck ./...
step tidy go mod tidy -diff
step architecture go test -count=1 .
exit "$status"
