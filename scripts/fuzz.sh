#!/usr/bin/env bash
# Runs every fuzz target of the repository for the number of inputs given. A
# target whose line ends in //fuzz:slow, with the reason, gets a twentieth.
#
# A number, not a time: a deadline that falls into the minimising of an input
# fails the run without a failing input (golang.org/issue/48591), and a number
# does the same work on a slow machine as on a fast one. Minimising is off for
# the same reason: it stalls both workers for up to a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
inputs=${1:-100000x}
grep -rE --include='*_test.go' '^func Fuzz' internal | sort | while IFS=: read -r file line; do
  dir=$(dirname "$file")
  target=$(sed -E 's/^func (\w+).*/\1/' <<<"$line")
  n=$inputs
  if [[ $line == *//fuzz:slow\ * ]]; then n=$((${inputs%x} / 20))x; fi
  echo "fuzz $dir $target $n"
  go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$n" -fuzzminimizetime 1x </dev/null
done
