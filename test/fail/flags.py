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
    "-stdlib=libc++":
        "Ferry needs std::stop_token: with libc++ 16 to 19 compile with -fexperimental-library",
}
WORKS = (("-Wnon-virtual-dtor", "-Werror"), ("-fno-threadsafe-statics",),
         ("-stdlib=libc++", "-fexperimental-library"))


def compile_with(*flags, header=sys.argv[1]):
    """Whether the compiler takes the header, and its lines about errors."""
    done = subprocess.run([*sys.argv[2:], *flags, "-fsyntax-only", "-x", "c++", "-"],
                          input=f"#include <{header}>\n", capture_output=True, text=True,
                          timeout=600, check=False)
    return done.returncode == 0, [line for line in done.stderr.splitlines() if "error:" in line]


def main():
    for flag, sentence in NEEDS.items():
        if not compile_with(flag, header="cstddef")[0]:
            print(f"skipped: {flag} cannot be used here")
            continue
        works, errors = compile_with(flag)
        if works:
            print(f"ok: {flag} works")
        elif len(errors) != 1 or sentence not in errors[0]:
            sys.exit(f"{flag} should say '{sentence}' and nothing else:\n" + "\n".join(errors))
        else:
            print(f"ok: {flag} says {sentence}")
    for flags in WORKS:
        if not compile_with(*flags, header="cstddef")[0]:
            print(f"skipped: {' '.join(flags)} cannot be used here")
            continue
        works, errors = compile_with(*flags)
        if not works:
            sys.exit(f"{flags} does not work:\n" + "\n".join(errors))
        print(f"ok: {' '.join(flags)} works")


main()
