#!/usr/bin/env bash
# Runs every fuzz target of the repository for the number of inputs given. A
# target whose line ends in //fuzz:slow, with the reason, gets a fortieth.
#
# A number, not a time: a deadline that falls into the minimising of an input
# fails the run without a failing input (golang.org/issue/48591), and a number
# does the same work on a slow machine as on a fast one. Minimising is off for
# the same reason: it stalls both workers for up to a minute.
#
# The packages are built once and together, each with all of its targets. What
# tells which input reaches something new is compiled into our packages alone:
# go test -fuzz compiles it into the standard library and DuckDB's binding, too,
# and on a fresh machine that takes as long as all targets run.
set -euo pipefail
cd "$(dirname "$0")/.."
inputs=${1:-100000x}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(go env GOCACHE)/fuzz # where go test keeps the inputs that reached something new
module=$(go list -m)
targets=$(grep -rE --include='*_test.go' '^func Fuzz' internal | sort)
dirs=$(sed -E 's,^(.*)/[^/]*_test\.go:.*,./\1,' <<<"$targets" | sort -u)
# shellcheck disable=SC2086 # a word for each package
go test -c -o "$work/" -ldflags='-s -w' -gcflags="$module/...=-d=libfuzzer" $dirs
while IFS=: read -r file line; do
  dir=$(dirname "$file")
  target=$(sed -E 's/^func (\w+).*/\1/' <<<"$line")
  n=$inputs
  if [[ $line == *//fuzz:slow\ * ]]; then n=$((${inputs%x} / 40))x; fi
  echo "fuzz $dir $target $n"
  (cd "$dir" && "$work/$(basename "$dir").test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$n" -test.fuzzminimizetime 1x \
    -test.fuzzcachedir "$corpus/$module/$dir" </dev/null 2>&1) | tee "$work/said"
  # Without it the inputs would be blind, and the compiler promises nothing about the switch.
  if grep -q 'without coverage' "$work/said"; then
    echo "fuzz: $target was built without telling what an input reaches: does this Go still know -d=libfuzzer?"
    exit 1
  fi
done <<<"$targets"
