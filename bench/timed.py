#!/usr/bin/env python3
"""Runs a command and writes what it took: timed.py OUT.json COMMAND…  Its standard output is kept in the JSON."""
import json, os, subprocess, sys, time

start = time.perf_counter()
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)
text = child.stdout.read()
_, status, used = os.wait4(child.pid, 0)
took = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as f:
    json.dump({"seconds": took, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_rss_mb": used.ru_maxrss / 1024,
               "exit": code, "out": text}, f)
sys.exit(code if code >= 0 else 1)
