#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs a program with a process pool in unusual ways. Usage: programs.py PROGRAM LIBRARY"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
LIBRARY = pathlib.Path(sys.argv[2]).resolve()


def check(what, is_true, seen=""):
    if not is_true:
        sys.exit(f"FAILED: {what} {seen}")
    print(f"ok: {what}")


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=50,
                          check=False, stdin=subprocess.DEVNULL, **options)


def answers(what, done, expected="42\n"):
    check(what, (done.returncode, done.stdout, done.stderr) == (0, expected, ""), done)


def is_alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def all_end(pids, seconds):
    until = time.monotonic() + seconds
    while any(is_alive(p) for p in pids) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(is_alive(p) for p in pids)


def killed(mode):
    """The lines that the program printed before it was killed."""
    program = subprocess.Popen([str(PROGRAM), mode], stdout=subprocess.PIPE, text=True,
                               stdin=subprocess.DEVNULL)
    lines = [program.stdout.readline()]
    if mode == "forked":
        lines.append(program.stdout.readline())
    program.kill()
    program.wait()
    return [[int(p) for p in line.split()] for line in lines]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        answers("it answers", run(PROGRAM, "answer"))
        copy = folder / "copy"
        shutil.copy(PROGRAM, copy)
        answers("started by a relative path, then elsewhere", run("./copy", "elsewhere", cwd=folder))
        answers("replaced on disk", run(copy, "replaced", copy))
        answers("code in a library that is loaded later", run(PROGRAM, "library", LIBRARY), "40\n")
        answers("a static pool", run(PROGRAM, "static-pool"))
        done = run(PROGRAM, "left-work")
        check("what main() leaves in static pools is completed",  # CF-SHUT-02
              (done.returncode, sorted(done.stdout.split()), done.stderr) == (0, ["41", "42"], ""),
              done)
        answers("a child of fork leaves the pool's scope", run(PROGRAM, "fork"))
        output = folder / "output"
        done = run(PROGRAM, "closed", output)
        check("the standard streams are closed",
              done.returncode == 0 and output.read_text(encoding="utf-8") == "42\n", done)

        for mode, what in (("no-entry", "main() did not call run_worker_if_spawned"),
                           ("static-error", "a pool in a static initializer")):
            done = run(PROGRAM, mode)
            check(f"{what}: refused", "run_worker_if_spawned" in done.stdout, done)

        (pids,) = killed("killed")
        check("workers and nested workers end with their parent",
              len(pids) == 3 and all_end(pids, 2), pids)
        (worker,), (child,) = killed("forked")
        try:
            check("also where a child of fork lives on",
                  all_end([worker], 2) and is_alive(child), (worker, child))
        finally:
            os.kill(child, signal.SIGKILL)


main()
