#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs a program of the pages and compares what it prints with its .out file.
Usage: run.py PROGRAM, whose name is page_ and that of its source."""

import pathlib
import subprocess
import sys

program = pathlib.Path(sys.argv[1]).resolve()
name = program.name.removeprefix("page_")
here = pathlib.Path(__file__).resolve().parent
expected = (here / ("first/main" if name == "first" else name)).with_suffix(".out").read_text(
    encoding="utf-8")
done = subprocess.run([program], capture_output=True, text=True, timeout=120, check=False)
if done.returncode != 0 or done.stdout != expected:
    sys.exit(f"FAILED: leaves with {done.returncode}\n--- expected:\n{expected}"
             f"--- seen:\n{done.stdout}--- errors:\n{done.stderr}")
