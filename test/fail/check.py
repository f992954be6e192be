#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks that each case of a source fails to compile and says what it should, and nothing that
another case should say: what stands in every list of candidates tells nobody what is wrong.

Usage: check.py SOURCE COMPILER FLAG..."""

import pathlib
import re
import subprocess
import sys
import tempfile

COMMAND = sys.argv[2:] + ["-Werror=non-virtual-dtor"]


def run_compiler(*arguments):
    """What the compiler printed, or None where it accepts the file."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=600,
                          check=False)
    return done.stdout + done.stderr if done.returncode != 0 else None


def precompile(text, folder):
    """Compiles what the source includes; most of a case's time would go into that."""
    header = pathlib.Path(folder) / "included.hpp"
    header.write_text("\n".join(re.findall(r"^#include <.*", text, re.M)) + "\n", encoding="utf-8")
    printed = run_compiler("-x", "c++-header", str(header), "-o", f"{header}.gch")
    if printed is not None:
        sys.exit(f"what it includes does not compile:\n{printed}")
    return str(header)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check(folder)


def check(folder):
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    cases = re.findall(r"CASE == (\d+) // expect: (.+)", text)
    if not cases:
        sys.exit("no cases found")
    included = precompile(text, folder)

    def compile_case(number):  # 0 is the case that compiles
        return run_compiler("-fsyntax-only", "-include", included, f"-DCASE={number}", sys.argv[1])

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
