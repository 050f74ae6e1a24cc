#!/usr/bin/env python3
"""Scores the KQL engine on the documented examples and the public queries in ../shared; compares with score.json.

A fall of any area's passes, any wrong answer, any runtime error or a missing answer fails. --update records.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(ROOT, "..", "shared", "kql")
RECORD = os.path.join(ROOT, "score.json")

# Documented answers that contradict the very query above them: no engine can give them. Anything else wrong fails.
CONTRADICTORY = {
    "docs/array-iff-function#02": "the array of strings is shown without its quotes, which is no JSON",
    "docs/toguid-function#01": "the query's text says 'is not', the answer's says 'isn't'",
    "docs/base64-decode-toguid-function#01": "the page of base64_encode_fromguid has the third group little-endian, as .NET does and as token ids (uti) need it",
    "docs/range-function#04": "the answer belongs to two queries, its rows are not of one table",
    "docs/parse-path-function#01": "the backslashes of the shown JSON are not escaped",
    "docs/url-encode-component-function#01": "the URL of the query ends with a slash, that of the answer does not",
    "docs/parse-where-operator#04": "no row is shown as a row of empty cells; the page says that all rows are filtered out",
    "docs/datetime-local-to-utc-function#02": "the rows of a range are shown out of its order",
    "docs/geo-polygon-lookup-plugin#01": "the answer names a place as no row of the query does",
    "docs/geo-polygon-centroid-function#03": "the shown JSON lacks its opening brace",
    "docs/series-fill-linear-function#01": "the last cell of the second row changes 36, which is a value of the series",
    "docs/series-iir-function#01": "of the ten rows the first four are shown",
    "docs/replace-string-function#02": "tostring() of a long is shown with six decimals",
    "SlimKQL/DefenderXDR/DefenderXDR Advanced Hunting All-In-One UPN Search.kql#01":
        "the analyser drops the second type of a column when the first two tables agree; union's page has a column per type",
}


# What is scored: the documented examples by their answers, the public hunting queries by running over empty tables with
# the columns that Microsoft's analyser computes.
BOARDS = {"docs": ["--cases", "docs-cases.jsonl", "--inline-only", "--complete-only"], "community": ["--cases", "community.jsonl"]}


def measure(board):
    """Scores one board: its areas, its errors by kind, and the wrong answers that no contradiction excuses."""
    with tempfile.TemporaryDirectory() as tmp:
        report, answers = os.path.join(tmp, "report.json"), os.path.join(tmp, "answers.jsonl")
        flags = [os.path.join(SHARED, f) if f.endswith(".jsonl") else f for f in BOARDS[board]]
        subprocess.run(
            ["python3", os.path.join(SHARED, "run_conformance.py"), "--engine", os.path.join(ROOT, "replaytrace") + " query --format json",
             *flags, "--split", "dev",
             "--out", report, "--failures", os.path.join(tmp, "failures.txt"), "--keep-answers", answers, "--show", "0"],
            check=True, stdout=subprocess.DEVNULL)
        with open(report, encoding="utf-8") as file:
            scored = json.load(file)["dev"]
        areas = scored["by area"] if board == "docs" else {board: scored["total"]}
        kinds = collections.Counter()
        with open(answers, encoding="utf-8") as file:
            for answer in map(json.loads, file):
                if "error" in answer:
                    error = answer["error"]
                    kinds[error["kind"] if isinstance(error, dict) else "missing"] += 1
        with open(os.path.join(tmp, "failures.txt"), encoding="utf-8") as file:
            failures = [line.strip() for line in file]
        wrong = [f for f in failures if "\twrong\t" in f and f.split("\t")[2] not in CONTRADICTORY]
    return {"areas": {a: {k: v[k] for k in ("n", "pass", "wrong")} for a, v in sorted(areas.items())},
            "errors": dict(sorted(kinds.items()))}, wrong


def measure_all():
    """Scores every board as one record."""
    score, wrong = {"areas": {}, "errors": {}}, []
    for board in BOARDS:
        one, bad = measure(board)
        score["areas"].update(one["areas"])
        score["errors"][board] = one["errors"]
        wrong += bad
    return score, wrong


def main():
    """Prints the score, records it with --update, and exits with 1 where it is worse than recorded."""
    if not os.path.isdir(SHARED):
        print("SKIP score: ../shared/kql is absent")
        sys.exit(1 if os.environ.get("CI") == "true" else 0)
    score, wrong = measure_all()
    for area, s in score["areas"].items():
        print(f"{area:8} {s['pass']:4} of {s['n']:4} pass ({100 * s['pass'] / s['n']:.1f}%), {s['wrong']} wrong")
    for board, kinds in score["errors"].items():
        print(f"errors of {board}: {kinds}")
    if "--update" in sys.argv:
        with open(RECORD, "w", encoding="utf-8") as file:
            json.dump(score, file, indent=1, sort_keys=True)
            file.write("\n")
    with open(RECORD, encoding="utf-8") as file:
        old = json.load(file)
    bad = list(wrong)
    for area, s in old["areas"].items():
        now = score["areas"].get(area, {"n": 0, "pass": 0})
        if now["pass"] < s["pass"] or now["n"] < s["n"]:
            bad.append(f"{area}: {now['pass']} of {now['n']} pass, recorded are {s['pass']} of {s['n']}")
    for board, kinds in score["errors"].items():
        bad += [f"{board}: {kinds[kind]} {kind} errors" for kind in ("runtime", "missing") if kinds.get(kind)]
    for b in bad:
        print("FAIL", b)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
