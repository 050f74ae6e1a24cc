#!/usr/bin/env bash
# Runs every fuzz target of the repository for the number of inputs given. A
# target whose line ends in //fuzz:slow, with the reason, gets a twentieth.
#
# A number, not a time: a deadline that falls into the minimising of an input
# fails the run without a failing input (golang.org/issue/48591), and a number
# does the same work on a slow machine as on a fast one. Minimising is off for
# the same reason: it stalls both workers for up to a minute.
#
# A package is built once for all of its targets: to link one takes as long as
# many of them run.
set -euo pipefail
cd "$(dirname "$0")/.."
inputs=${1:-50000x}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(go env GOCACHE)/fuzz # where go test keeps the inputs that reached something new
module=$(go list -m)
built=
grep -rE --include='*_test.go' '^func Fuzz' internal | sort | while IFS=: read -r file line; do
  dir=$(dirname "$file")
  target=$(sed -E 's/^func (\w+).*/\1/' <<<"$line")
  n=$inputs
  if [[ $line == *//fuzz:slow\ * ]]; then n=$((${inputs%x} / 20))x; fi
  if [ "$dir" != "$built" ]; then
    go test -c -fuzz . -o "$work/fuzz.test" "./$dir" </dev/null # with -fuzz it is built to tell what an input reaches
    built=$dir
  fi
  echo "fuzz $dir $target $n"
  (cd "$dir" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$n" -test.fuzzminimizetime 1x \
    -test.fuzzcachedir "$corpus/$module/$dir" </dev/null)
done
