#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs a program with a process pool in unusual ways. Usage: programs.py PROGRAM LIBRARY OTHER [SANITIZER]

LIBRARY and OTHER are two builds of one library."""

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
OTHER = pathlib.Path(sys.argv[3]).resolve()
SANITIZED = sys.argv[4] if len(sys.argv) > 4 else ""


def check(what, is_true, seen=""):
    if not is_true:
        sys.exit(f"FAILED: {what} {seen}")
    print(f"ok: {what}")


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300,
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


def libraries(folder):
    """Code in libraries that come and go."""
    answers("code in a library that is loaded later", run(PROGRAM, "library", LIBRARY), "40\n")
    for name, path in (("one", LIBRARY), ("two", OTHER)):
        shutil.copy(path, folder / f"{name}.so")
    answers("a library that was loaded by a relative path, then elsewhere",
            run(PROGRAM, "relative-library", "./one.so", cwd=folder), "40 40\n")
    done = run(PROGRAM, "replace-library", "./one.so", "./two.so", cwd=folder)
    answers("a library in the place of another", done, "40 same same \n")
    done = run(PROGRAM, "replace-library", "./one.so", "./one.so", "./two.so", cwd=folder)
    answers("another library under the same name", done, "40 same same \n")
    # Without a build-id only the code tells them apart.
    if shutil.which("objcopy"):
        for name, path in (("one", LIBRARY), ("two", OTHER)):
            run("objcopy", "--remove-section", ".note.gnu.build-id", path, folder / f"{name}.so")
        done = run(PROGRAM, "replace-library", "./one.so", "./two.so", cwd=folder)
        answers("the same without build-ids", done, "40 same same \n")


def loader():
    """The dynamic loader that the program asks for, or None."""
    done = run("ldd", PROGRAM)
    lines = [line.split()[0] for line in done.stdout.splitlines() if "/ld-linux" in line]
    return lines[0] if lines else None


def workers():
    """What a worker is."""
    done = run(PROGRAM, "names")
    here, there = done.stdout.splitlines()
    check("a worker is called as its program", here == there and "process_program" in here, done)
    answers("it is scheduled as the pool", run(PROGRAM, "special-thread"), "as the pool\n")
    done = run(PROGRAM, "crash-handler")
    check("crash handlers of the program work in workers", done.stdout == "9 own handler\n", done)
    if SANITIZED == "address":
        done = run(PROGRAM, "sanitizer")
        check("a sanitizer's report is there, and in the error",
              "AddressSanitizer" in done.stdout and "AddressSanitizer" in done.stderr, done)
    answers("what is ignored is not inherited", run(PROGRAM, "ignored-signals"), "default\n")
    done = run(PROGRAM, "no-handles")
    if done.returncode == 77:
        print("skipped: system calls cannot be refused here")
    else:
        answers("no handles of processes", done, "42 7 timeout 42\n")
    if loader() and not SANITIZED:
        done = run(loader(), PROGRAM, "answer")
        answers("started through the dynamic loader", done)
        done = run(loader(), "--inhibit-cache", PROGRAM, "names")
        here, there = done.stdout.splitlines()
        check("its worker has the program's name", "process_program" in there, done)


def without_proc(folder):
    """Where /proc is not mounted."""
    hide = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"')
    if SANITIZED or not shutil.which("unshare") or run(*hide, "true").returncode != 0:
        print("skipped: /proc cannot be hidden here")
        return
    answers("without /proc", run(*hide, PROGRAM, "answer"))
    if loader():
        answers("without /proc, through the dynamic loader", run(*hide, loader(), PROGRAM, "answer"))
    copy = folder / "moved"
    shutil.copy(PROGRAM, copy)
    done = run(*hide, copy, "removed", copy)
    check("without /proc and without its file it says why", "/proc" in done.stdout, done)


def privileged(folder):
    """A set-user-ID program believes nothing of its caller's environment."""
    copy = folder / "process_program"
    shutil.copy(PROGRAM, copy)
    if os.getuid() != 0 or SANITIZED:
        print("skipped: only root can make a program of another user")
        return
    os.chown(copy, 65534, 65534)
    os.chmod(copy, 0o4755)
    folder.chmod(0o755)
    environment = dict(os.environ, FERRY_CPUS="77", FERRY_WORKER="3")
    done = run(copy, "environment", env=environment)
    words = done.stdout.split()
    if "a pool" in done.stdout:
        print("skipped: set-user-ID has no effect here")
        return
    check("a set-user-ID program believes nothing and says so",
          done.returncode == 0 and words[0] != "77" and "set-user-ID" in done.stdout, done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        answers("it answers", run(PROGRAM, "answer"))
        copy = folder / "copy"
        shutil.copy(PROGRAM, copy)
        answers("started by a relative path, then elsewhere", run("./copy", "elsewhere", cwd=folder))
        answers("replaced on disk", run(copy, "replaced", copy))
        libraries(folder)
        workers()
        without_proc(folder)
        privileged(folder)
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
              len(pids) == 3 and all_end(pids, 120), pids)
        (pids,) = killed("stopping")
        check("workers whose stop callbacks block end with their parent",
              len(pids) == 1 and all_end(pids, 120), pids)
        (worker,), (child,) = killed("forked")
        try:
            check("also where a child of fork lives on",
                  all_end([worker], 120) and is_alive(child), (worker, child))
        finally:
            os.kill(child, signal.SIGKILL)


main()
