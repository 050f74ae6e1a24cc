#!/usr/bin/env python3
"""Streams simulated tenants of growing size into cases and prints what each cost, as the rows of a Markdown table.

usage: big-run.py REPLAYTRACE MEMORY USERSxDAYS...      a person makes some 78 rows a day
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

program, memory, tenants = sys.argv[1], sys.argv[2], sys.argv[3:]
print("| rows | JSON | case | of it | peak memory | CPU s | s | rows/s |\n|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
for tenant in tenants:
    users, days = tenant.split("x")
    case = tempfile.mkdtemp(prefix="big-run-")
    try:
        start = time.time()
        source = subprocess.Popen([program, "simulate", "--out", "-", "--users", users, "--days", days], stdout=subprocess.PIPE)
        with open(os.path.join(case, "manifest.out"), "w") as out:
            ingest = subprocess.Popen([program, "ingest", "-", "--case", case, "--memory", memory, "--format", "json"], stdin=source.stdout, stdout=out)
            source.stdout.close()
            _, status, used = os.wait4(ingest.pid, 0)
        seconds = time.time() - start
        if source.wait() != 0 or status != 0:
            sys.exit(f"the run of {tenant} failed: {status}")
        with open(os.path.join(case, "manifest.out")) as out:
            file = json.load(out)["files"][0]
        size = os.path.getsize(os.path.join(case, "case.duckdb"))
        cpu = used.ru_utime + used.ru_stime
        print(f"| {file['rows_read']:,} | {file['bytes'] / 1e9:.1f} GB | {size / 1e9:.2f} GB | {100 * size / file['bytes']:.1f}% | {used.ru_maxrss * 1024 / 1e6:.0f} MB "
              f"| {cpu:.0f} | {seconds:.0f} | {file['rows_read'] / seconds:,.0f} |", flush=True)
    finally:
        shutil.rmtree(case)
