#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Looks with the program `ferry` into programs that hang, are stopped or stripped, and into such as
cannot be looked into. Arguments: the program `ferry`, the program to look into."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

FERRY, PROGRAM = sys.argv[1:3]
LIMIT = 200 # seconds, for whatever should take a moment


def ferry(*arguments):
    return subprocess.run([FERRY, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT,
                          check=False)


def check(condition, *what):
    if not condition:
        raise AssertionError("\n".join(map(str, what)))


class Running:
    """The program, until the end of the block."""

    def __init__(self, *command):
        self.command = command or (PROGRAM,)

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline() == "ready\n", "it did not start")
        return self.process

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.communicate("\n", timeout=LIMIT)
        check(self.process.returncode == 0, "it ended with", self.process.returncode)


def succeeded(result):
    check(result.returncode == 0 and result.stderr == "", result)
    return result.stdout


def refused(result, text):
    check(result.returncode == 1 and result.stdout == "" and text in result.stderr, result)


def check_ps(text, function):
    lines = text.splitlines()
    check(any(l.startswith("pool disk (threads): 1 of 1 worker, 1 running, 2 queued") for l in lines), text)
    check(any(l.startswith("pool cpu (threads): 2 of 2 workers, 2 running, 0 queued") for l in lines), text)
    check(any("running" in l and l.endswith('load "users"') for l in lines), text)
    check(any("queued" in l and l.endswith("load items") for l in lines), text) # no newline in a label
    check(any("queued" in l and function in l for l in lines), text)
    check(any("awaited" in l and "compress, running in cpu on worker" in l for l in lines), text)


def check_tree(text):
    def depth(part):
        found = [l for l in text.splitlines() if part in l]
        check(found, part, text)
        return min(l.index(part) for l in found)
    check(depth("run in thread") < depth("gather of 3") < depth("child") < depth("task group"), text)
    check(depth("task group") < depth("awaits 'compress', running in cpu"), text)
    check(depth("gather of 3") < depth("awaits 'load \"users\"', running in disk on worker 0"), text)
    check("awaits 'load items', queued in disk" in text, text)


def check_trace(text, ended):
    events = json.loads(text)["traceEvents"]
    for e in events:
        check(e["ph"] in "XMbesf" and isinstance(e["ts"], (int, float)) and isinstance(e["tid"], int), e)
        check(e["ph"] != "X" or e["dur"] >= 0, e)
    runs = {e["name"]: e for e in events if e["cat"] == "run"}
    for label in ('load "users"', "compress", "index"):
        check(runs[label]["args"]["outcome"] == ("completed" if ended else "still running"), runs)
    threads = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    check(threads[runs["compress"]["tid"]].endswith("of cpu"), threads)
    begun = {e["id"]: e for e in events if e["ph"] == "b"}
    for e in events:
        if e["ph"] == "e":
            check(begun.pop(e["id"])["ts"] <= e["ts"], e)
    check(not begun, begun)
    arrows = {e["id"]: e for e in events if e["ph"] == "s"}
    kinds = set()
    for e in events:
        if e["ph"] == "f":
            start = arrows.pop(e["id"])
            check(start["ts"] <= e["ts"] and start["name"] == e["name"], start, e)
            kinds.add(e["name"])
    check(not arrows, arrows)
    check("submitted" in kinds and ("resumed" in kinds) == ended, kinds)


def hanging():
    with Running() as p:
        check_ps(succeeded(ferry("ps", p.pid)), "read_the_disk()")
        check_tree(succeeded(ferry("pstree", p.pid)))
        check_trace(succeeded(ferry("trace", p.pid)), ended=False)
        # The number of a thread means its process.
        threads = [int(t) for t in os.listdir(f"/proc/{p.pid}/task")]
        check(len(threads) > 3, threads)
        check_ps(succeeded(ferry("ps", max(threads))), "read_the_disk()")
        # Nothing happens in that time.
        check(not [e for e in json.loads(succeeded(ferry("trace", p.pid, "0.1")))["traceEvents"]
                   if e["cat"] == "run"], "there are runs")


def stopped():
    with Running() as p:
        p.send_signal(signal.SIGSTOP)
        check(os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WNOWAIT).si_code == os.CLD_STOPPED, "not stopped")
        check_ps(succeeded(ferry("ps", p.pid)), "read_the_disk()")
        check_tree(succeeded(ferry("pstree", p.pid)))


def stripped():
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "stripped")
        shutil.copy(PROGRAM, copy)
        subprocess.run(["strip", copy], check=True, timeout=LIMIT)
        with Running(copy) as p:
            check_ps(succeeded(ferry("ps", p.pid)), "stripped+0x")


def watched():
    with Running() as p:
        w = subprocess.Popen([FERRY, "watch", str(p.pid)], stdout=subprocess.PIPE, text=True)
        lines = [w.stdout.readline() for _ in range(4)]
        check(lines[0] == f"process {p.pid}\n" and lines[1].startswith("POOL"), lines)
        check(lines[2].split()[:4] == ["disk", "1", "1", "2"], lines)
        check(lines[3].split()[:4] == ["cpu", "2", "2", "0"], lines)
    rest, _ = w.communicate(timeout=LIMIT)
    check(w.returncode == 0 and rest.endswith("the process has ended\n"), rest)


def ending():
    """Whatever moment it is looked at, the answer is whole or says why there is none."""
    kinds = set()
    while kinds != {0, 1}:
        with Running() as p:
            p.stdin.write("\n")
            p.stdin.flush()
            result = ferry("pstree", p.pid)
            while result.returncode == 0:
                check(result.stdout.startswith(f"process {p.pid}\n") and result.stdout.endswith("\n"), result)
                kinds.add(0)
                result = ferry("pstree", p.pid)
            check(result.returncode == 1 and result.stdout == "", result)
            check(any(text in result.stderr for text in ("has ended", "there is no process", "does not use Ferry")),
                  result)
            kinds.add(1)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT) # it stays, until somebody has waited for it
    refused(ferry("ps", child), "has ended")
    os.waitpid(child, 0)


def dumped():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        with Running(PROGRAM, "trace", path):
            pass
        with open(path, encoding="utf-8") as f:
            check_trace(f.read(), ended=True)


def impossible():
    with Running(PROGRAM, "none") as p:
        refused(ferry("ps", p.pid), "does not use Ferry, or has not made a pool yet")
    refused(ferry("ps", p.pid), f"there is no process {p.pid}")
    refused(ferry("ps", os.getpid()), "does not use Ferry")
    if os.geteuid() != 0:
        refused(ferry("ps", 1), "another user")
    for arguments in ([], ["ps"], ["ps", "x"], ["ps", "-1"], ["ps", "0"], ["ps", "1", "2"], ["watch", "1", "2"],
                      ["trace", "1", "x"], ["trace", "1", "-1"], ["trace", "1", "nan"], ["trace", "1", "inf"], ["what", "1"]):
        result = ferry(*arguments)
        check(result.returncode == 2 and result.stderr != "", arguments, result)
    check("usage" in succeeded(ferry("--help")), "no help")
    check("recording version" in succeeded(ferry("--version")), "no version")


def another_user():
    """Only root can become another user."""
    if os.geteuid() != 0:
        return
    with Running() as p:
        folder = tempfile.mkdtemp()
        copy = os.path.join(folder, "ferry")
        shutil.copy(FERRY, copy)
        os.chmod(folder, 0o755)
        try:
            result = subprocess.run([copy, "ps", str(p.pid)], user=65534, group=65534, extra_groups=[],
                                    capture_output=True, text=True, timeout=LIMIT, check=False)
            refused(result, "another user")
        finally:
            shutil.rmtree(folder)


def other_recordings():
    """Files of that name that are something else: this script has them itself."""
    seal = 0x0001 | 0x0002 | 0x0004 # against more seals, shrinking and growing

    def with_file(content, seals):
        fd = os.memfd_create("ferry", os.MFD_ALLOW_SEALING)
        os.write(fd, content)
        fcntl.fcntl(fd, 1033, seals)
        result = ferry("ps", os.getpid())
        os.close(fd)
        return result

    magic = (0x3144435259524600).to_bytes(8, sys.byteorder)
    refused(with_file(b"", seal), "does not use Ferry")
    refused(with_file(b"x" * 5000, seal), "does not use Ferry")
    refused(with_file(magic + (77).to_bytes(4, sys.byteorder) + bytes(100), 0), "does not use Ferry")
    refused(with_file(magic + (77).to_bytes(4, sys.byteorder) + bytes(100), seal),
            "another version of Ferry: its recording has version 77, this program reads version 1")
    refused(with_file(magic + (1).to_bytes(4, sys.byteorder) + bytes(100), seal), "another version")


def not_dumpable():
    """A process without the right to be looked into; root may all the same."""
    if os.geteuid() == 0:
        return
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(4, 0) # PR_SET_DUMPABLE
        signal.pause()
    try:
        result = ferry("ps", child)
        check(result.returncode == 1, result)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


for test in (hanging, stopped, stripped, watched, ending, dumped, impossible, another_user, other_recordings,
             not_dumpable):
    test()
    print(test.__name__, "passed")
