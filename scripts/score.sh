#!/usr/bin/env bash
# Scores ./replaytrace on the documented KQL examples and compares with score.json (`check`), or rewrites score.json
# and the table in docs/kql.md (`update`). The examples are not part of this repository: without them the score is
# skipped, but not on a CI machine (CI=true), where they must be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=${1:-check}
corpus=../shared/kql

skip() {
	if [[ ${CI:-} == true ]]; then
		echo "score: FAILED: $1, and this is CI"
		exit 1
	fi
	echo "score: skipped: $1"
	exit 0
}
[[ -f $corpus/run_conformance.py ]] || skip "the conformance cases (../shared/kql) are not here"
command -v python3 >/dev/null || skip "python3 is not installed"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
python3 "$corpus/run_conformance.py" --engine './replaytrace query --format json' --cases "$corpus/docs-cases.jsonl" \
	--inline-only --complete-only --split dev --out "$out/report.json" --failures "$out/failures.txt" \
	--keep-answers "$out/answers.jsonl" >"$out/log.txt" || { cat "$out/log.txt"; exit 1; }
python3 scripts/score.py "$mode" --report "$out/report.json" --failures "$out/failures.txt" \
	--answers "$out/answers.jsonl" --cases "$corpus/docs-cases.jsonl"
