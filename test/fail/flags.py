#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks what the headers do with flags that take something away from the language: they work, or say
in one sentence what is needed.

Usage: flags.py HEADER COMPILER FLAG..."""

import subprocess
import sys

NEEDS = {
    "-fno-rtti": "Ferry needs run-time type information: compile without -fno-rtti",
    "-fno-exceptions": "Ferry needs exceptions: compile without -fno-exceptions",
    "-std=c++17": "Ferry needs C++20: compile with -std=c++20",
}
WORKS = ("-Wnon-virtual-dtor", "-Werror"), ("-fno-threadsafe-statics",)


def compile_with(*flags):
    """Whether the compiler takes the header, and its lines about errors."""
    done = subprocess.run([*sys.argv[2:], *flags, "-fsyntax-only", "-x", "c++", "-"],
                          input=f"#include <{sys.argv[1]}>\n", capture_output=True, text=True,
                          timeout=600, check=False)
    return done.returncode == 0, [line for line in done.stderr.splitlines() if "error:" in line]


def main():
    for flag, sentence in NEEDS.items():
        works, errors = compile_with(flag)
        if works:
            print(f"ok: {flag} works")
        elif len(errors) != 1 or sentence not in errors[0]:
            sys.exit(f"{flag} should say '{sentence}' and nothing else:\n" + "\n".join(errors))
        else:
            print(f"ok: {flag} says {sentence}")
    for flags in WORKS:
        works, errors = compile_with(*flags)
        if not works:
            sys.exit(f"{flags} does not work:\n" + "\n".join(errors))
        print(f"ok: {' '.join(flags)} works")


main()
