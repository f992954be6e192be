#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks that each case of a source fails to compile and says what it should, and nothing that
another case should say: what stands in every list of candidates tells nobody what is wrong.

Usage: check.py SOURCE COMPILER FLAG..."""

import re
import subprocess
import sys


def compile_case(number):
    """What the compiler printed, or None where it accepts the case; 0 is the case that compiles."""
    done = subprocess.run(sys.argv[2:] + ["-fsyntax-only", "-Werror=non-virtual-dtor",
                                          f"-DCASE={number}", sys.argv[1]],
                          capture_output=True, text=True, timeout=600, check=False)
    return done.stdout + done.stderr if done.returncode != 0 else None


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        cases = re.findall(r"CASE == (\d+) // expect: (.+)", source.read())
    if not cases:
        sys.exit("no cases found")
    printed = compile_case(0)
    if printed is not None:
        sys.exit(f"the case that is right does not compile:\n{printed}")
    for number, expected in cases:
        printed = compile_case(number)
        if printed is None:
            sys.exit(f"case {number} compiles")
        # Without the lines of the source: they are in the messages about this very file.
        printed = "\n".join(line for line in printed.splitlines() if "// expect:" not in line)
        if expected not in printed:
            sys.exit(f"case {number} does not say '{expected}':\n{printed}")
        for _, other in cases:
            if other != expected and other in printed:
                sys.exit(f"case {number} says '{other}', too:\n{printed}")
        print(f"ok: case {number} says {expected}")


main()
