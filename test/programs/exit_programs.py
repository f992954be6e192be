#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Programs that end in unusual ways while pools live. Usage: exit_programs.py PROGRAM [--no-fork]

Each ends within its time, with its status, and says what it should. CF-SHUT-02, CF-SHUT-10."""

import os
import signal
import subprocess
import sys

PROGRAM = sys.argv[1]
SECONDS = 150
DOTS = "." * 20
# case: exit status and output
CASES = {
    "stack": (0, DOTS),
    "static": (0, DOTS),
    "static-initializer": (0, "42" + DOTS),
    "static-context": (0, "."),
    "leaked": (0, ""),
    "leaked-busy": (0, ""),
    "exit": (3, ""),
    "exit-static": (3, DOTS),
    "exit-task": (4, ""),
    "exit-task-static": (4, "."),
    "quick-exit": (3, ""),
    "_exit": (3, ""),
    "exception": (-signal.SIGABRT, "."),
    "posted-throws": (-signal.SIGABRT, ""),
    "atexit-submits": (0, None),
    "atexit-shuts-down": (0, DOTS + "!"),
    "thread-local-main": (0, "."),
    "thread-local-thread": (0, "."),
    "thread-local-other": (0, "."),
    "thread-local-worker": (0, "refused"),
    "fork-_exit": (0, "..."),
    "fork-exit": (0, "..."),
    "fork-destroy": (0, "." + DOTS),
    "fork-inherited": (0, DOTS),
    "fork-new-pool": (0, "..."),
    "fork-cancel": (0, ""),
    "fork-timeout": (0, "..."),
    "own-worker": (0, DOTS + "!"),
    "process-stack": (0, DOTS),
    "process-static": (0, DOTS),
    "process-leaked": (0, ""),
    "process-exit": (3, ""),
    "process-exit-static": (3, DOTS),
    "process-exit-callback": (4, "."),
    "process-quick-exit": (3, ""),
    "process-_exit": (3, ""),
    "process-exception": (-signal.SIGABRT, "."),
}


def run(case):
    """Status, output and errors, or nothing where it did not end. The pipes' end is also the end of
    its children and of all worker processes."""
    program = subprocess.Popen([PROGRAM, case], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, errors = program.communicate(timeout=SECONDS)
        return program.returncode, out, errors
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()
        return None


def problem(case, status, output):
    done = run(case)
    if done is None:
        return f"did not end within {SECONDS} seconds"
    seen_status, out, errors = done
    if seen_status != status:
        return f"status {seen_status} instead of {status}: {done}"
    if output is None: # the order of twenty tasks and another is open
        output, out = DOTS + "7", "".join(sorted(out))
    if out != output:
        return f"output {out!r} instead of {output!r}"
    if case == "posted-throws":
        line = "unhandled exception in a function posted to a thread pool: std::runtime_error: nobody gets this"
        return None if line in errors else f"errors {errors!r}"
    if "exception" in case:
        return None if "escapes from main" in errors else f"errors {errors!r}"
    return f"errors {errors!r}" if errors else None


def main():
    failures = 0
    for case, (status, output) in CASES.items():
        # ThreadSanitizer ends a child of fork that starts threads; in one of AddressSanitizer's the
        # allocator may be locked forever.
        if case.startswith("fork") and "--no-fork" in sys.argv:
            print(f"skipped: {case}")
            continue
        what = problem(case, status, output)
        print(f"FAILED: {case}: {what}" if what else f"ok: {case}")
        failures += what is not None
    sys.exit(failures != 0)


main()
