#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs a program of the pages and compares what it prints. Usage: run.py PROGRAM EXPECTED"""

import pathlib
import subprocess
import sys

done = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=120, check=False)
expected = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
if done.returncode != 0 or done.stdout != expected:
    sys.exit(f"FAILED: leaves with {done.returncode}\n--- expected:\n{expected}"
             f"--- seen:\n{done.stdout}--- errors:\n{done.stderr}")
