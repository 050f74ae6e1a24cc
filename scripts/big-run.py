#!/usr/bin/env python3
"""Streams simulated tenants of growing size into cases and prints what each cost, as the rows of a Markdown table.

usage: big-run.py REPLAYTRACE MEMORY USERSxDAYS...      a person makes some 78 rows a day
"""
import json
import os
import subprocess
import sys
import tempfile
import time


def ingest(program, memory, tenant, case):
    """Makes a tenant and ingests it as it comes. Returns its manifest, the seconds and what the ingest used."""
    users, days = tenant.split("x")
    start = time.monotonic()
    with open(os.path.join(case, "manifest.out"), "w+", encoding="utf-8") as out:
        source = subprocess.Popen([program, "simulate", "--out", "-", "--users", users, "--days", days], stdout=subprocess.PIPE)
        sink = subprocess.Popen([program, "ingest", "-", "--case", case, "--memory", memory, "--format", "json"], stdin=source.stdout, stdout=out)
        source.stdout.close()  # so that the source ends when the sink does
        _, status, used = os.wait4(sink.pid, 0)
        seconds = time.monotonic() - start
        if source.wait() != 0 or status != 0:
            sys.exit(f"the run of {tenant} failed: {status}")
        out.seek(0)
        return json.load(out), seconds, used


def main():
    """Prints a row for each tenant that the arguments name."""
    if len(sys.argv) < 4:
        sys.exit(__doc__.split("\n\n")[1])
    program, memory, tenants = sys.argv[1], sys.argv[2], sys.argv[3:]
    print("| rows | JSON | case | of it | peak memory | CPU s | s | rows/s |\n|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for tenant in tenants:
        with tempfile.TemporaryDirectory(prefix="big-run-") as case:
            manifest, seconds, used = ingest(program, memory, tenant, case)
            file = manifest["files"][0]
            size = os.path.getsize(os.path.join(case, "case.duckdb"))
            print(f"| {file['rows_read']:,} | {file['bytes'] / 1e9:.1f} GB | {size / 1e9:.2f} GB | {100 * size / file['bytes']:.1f}% "
                  f"| {used.ru_maxrss * 1024 / 1e6:.0f} MB | {used.ru_utime + used.ru_stime:.0f} | {seconds:.0f} | {file['rows_read'] / seconds:,.0f} |",
                  flush=True)


if __name__ == "__main__":
    main()
