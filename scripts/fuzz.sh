#!/usr/bin/env bash
# Runs every fuzz target of the repository for the number of inputs given.
#
# A number, not a time: a deadline that falls into the minimising of an input
# fails the run without a failing input (golang.org/issue/48591), and a number
# does the same work on a slow machine as on a fast one. Minimising is off for
# the same reason: it stalls both workers for up to a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
inputs=${1:-100000x}
# Each of these inputs is a whole query run by DuckDB, or a file on the disk.
slow=' FuzzQuery FuzzFile FuzzDifferential FuzzCSVShapes FuzzJSONShapes FuzzTableShapes FuzzWraps FuzzFlatShapes '
grep -rl --include='*_test.go' '^func Fuzz' internal | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/func //' | sort | while read -r target; do
    n=$inputs
    if [[ $slow == *" $target "* ]]; then n=$((${inputs%x} / 20))x; fi
    echo "fuzz $dir $target $n"
    go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$n" -fuzzminimizetime 1x
  done
done
