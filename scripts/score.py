#!/usr/bin/env python3
"""Compares a conformance report with the committed score.json, or rewrites score.json and the table in docs/kql.md.

  score.py check|update --report R.json --failures F.txt --answers A.jsonl --cases C.jsonl

`check` is red on any wrong answer, on fewer passes than committed, on another number of cases, on a query without an
answer and on an error of kind `runtime`: a refusal must be a decision of the compiler, not an accident of the database.
An improvement that is not committed is reported, not punished.
"""
import argparse
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOARD = ROOT / "score.json"
PAGE = ROOT / "docs" / "kql.md"
BEGIN, END = "<!-- score:begin -->", "<!-- score:end -->"
FIELDS = ("n", "pass", "wrong", "unsupported", "error")


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def kind(answer):
    """The kind of an answer's error: the contract's, `missing` without an answer, None without an error."""
    error = answer.get("error")
    if error is None:
        return None
    if isinstance(error, dict):
        return error.get("kind") or "unnamed"
    return "missing" if error == "none" else "unnamed"


def measure(args):
    """The score by area, and the ids of answers that are errors, by kind."""
    report = json.load(open(args.report, encoding="utf-8"))["dev"]
    areas = {case["id"]: case.get("area") or "core" for case in lines(args.cases)}
    kinds, refused = collections.defaultdict(list), collections.Counter()
    for answer in lines(args.answers):
        what = kind(answer)
        if what:
            kinds[what].append(answer["id"])
            if what == "unsupported":
                refused[areas[answer["id"]]] += 1
    rows = dict(report.get("by area", {}), total=report["total"])
    refused["total"] = sum(refused.values())
    score = {}
    for name, row in rows.items():
        score[name] = {
            "n": row["n"], "pass": row["pass"], "wrong": row["wrong"],
            "unsupported": refused[name], "error": row["error"] - refused[name],
        }
    return score, kinds


def table(score):
    """The score as Markdown."""
    out = ["| area | cases | pass | pass % | wrong | unsupported | other error |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name, row in score.items():
        share = f"{100 * row['pass'] / row['n']:.1f}" if row["n"] else "-"
        cells = (name, row["n"], row["pass"], share, row["wrong"], row["unsupported"], row["error"])
        out.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(out)


def problems(score, kinds, committed):
    """What makes the score red, as sentences."""
    out = []
    for name, row in score.items():
        old = committed.get(name)
        if row["wrong"]:
            out.append(f"{name}: {row['wrong']} wrong answers; a refusal is better than a wrong answer")
        if old is None:
            out.append(f"{name}: not in score.json; run make score-update")
            continue
        if row["n"] != old["n"]:
            out.append(f"{name}: {row['n']} cases, score.json has {old['n']}; run make score-update and say why")
        if row["pass"] < old["pass"]:
            out.append(f"{name}: {row['pass']} pass, {old['pass']} did")
    out += [f"{name}: in score.json but not measured" for name in committed if name not in score]
    for what in ("missing", "runtime", "unnamed"):
        if kinds.get(what):
            shown = ", ".join(sorted(kinds[what])[:10])
            out.append(f"{len(kinds[what])} answers are {what}: {shown}")
    return out


def update(score):
    BOARD.write_text(json.dumps({"cases": "docs-cases inline complete dev", "areas": score}, indent=2) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(score)}\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["check", "update"])
    for name in ("report", "failures", "answers", "cases"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    score, kinds = measure(args)
    print(table(score))
    print("errors by kind:", ", ".join(f"{k} {len(v)}" for k, v in sorted(kinds.items())) or "none")
    if args.mode == "update":
        update(score)
        print("score.json and docs/kql.md are rewritten")
        return
    committed = json.loads(BOARD.read_text())["areas"]
    found = problems(score, kinds, committed)
    for problem in found:
        print("score: FAILED:", problem)
    if any(row["wrong"] for row in score.values()):
        failures = pathlib.Path(args.failures).read_text(encoding="utf-8").splitlines()
        print("\n".join(line for line in failures if "\twrong\t" in line))
    if found:
        sys.exit(1)
    better = [name for name, row in score.items() if row["pass"] > committed[name]["pass"]]
    if better:
        print("score: ok, and better than score.json in " + ", ".join(better) + ": run make score-update and commit")
    else:
        print("score: ok")


main()
