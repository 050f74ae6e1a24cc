#!/usr/bin/env bash
# Judges every shipped hunt with Microsoft's own parser and semantic analyser. The checker works beside its schemas, so
# both are copied to a temporary folder; it must have seen as many files as are shipped, and accepted each of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ! -f ../shared/kql/check_kql.mjs ]]; then
	if [[ ${CI:-} == true ]]; then
		echo "rules-check: FAILED: the analyser (../shared/kql) is not here, and this is CI"
		exit 1
	fi
	echo "rules-check: skipped: the analyser (../shared/kql) is not here"
	exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "rules-check: skipped: node and npm are not installed"
	exit 0
fi

mapfile -t files < <(find "$PWD/hunts" -type f \( -name '*.yaml' -o -path '*/functions/*.kql' \) | LC_ALL=C sort)
if ((${#files[@]} == 0)); then
	echo "rules-check: FAILED: no hunt is shipped"
	exit 1
fi
for file in "${files[@]}"; do # a rule whose query the checker cannot find would be judged as an empty text
	if [[ $file == *.yaml ]] && ! grep -qE '^query: \|' "$file"; then
		echo "rules-check: FAILED: ${file#"$PWD/"} has no 'query: |'"
		exit 1
	fi
done

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/evidence"
cp -R ../shared/kql "$work/kql"
cp -R ../shared/evidence/schemas "$work/evidence/schemas"
chmod -R u+w "$work"
(cd "$work/kql" && npm ci --silent --no-audit --no-fund)

status=0
node "$work/kql/check_kql.mjs" "${files[@]}" >"$work/out.txt" || status=$?
sed "s|$PWD/||" "$work/out.txt"
checked=$(sed -nE 's/^([0-9]+) files, 0 with errors.*/\1/p' "$work/out.txt")
if ((status != 0)) || [[ $checked != "${#files[@]}" ]]; then
	echo "rules-check: FAILED: ${#files[@]} shipped, ${checked:-not all} accepted"
	exit 1
fi
echo "rules-check: ok: $checked shipped, $checked accepted"
