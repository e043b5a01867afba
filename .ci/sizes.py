#!/usr/bin/env python3
"""Fails if a source file has more than 600 lines; prints the median and those above 400."""

import pathlib
import statistics
import subprocess
import sys

STOP, ALARM = 600, 400

names = subprocess.run(["git", "ls-files", "*.rs"], capture_output=True, text=True, check=True).stdout.split()
sizes = {name: len(pathlib.Path(name).read_text().splitlines()) for name in names if pathlib.Path(name).exists()}
print(f"{len(sizes)} files, median {statistics.median(sizes.values()):.0f} lines")
for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
    if size > ALARM:
        print(f"{'STOP ' if size > STOP else 'alarm'} {size} {name}")
sys.exit(any(size > STOP for size in sizes.values()))
