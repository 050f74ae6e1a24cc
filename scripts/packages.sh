#!/usr/bin/env bash
# Prints the packages (./dir) with a test file that matches the extended regular expression $1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

{ grep -rlE --include='*_test.go' -- "$1" . || true; } |
	while read -r file; do dirname "$file"; done | sort -u
