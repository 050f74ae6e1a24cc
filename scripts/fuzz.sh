#!/usr/bin/env bash
# Runs every fuzz target of the repository for $1 (default 5s) each. New targets are found by themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-5s}

for package in $(scripts/packages.sh '^func Fuzz'); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
		printf 'fuzz %s %s for %s\n' "$package" "$target" "$time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5s "$package"
	done
done
