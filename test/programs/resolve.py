#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Resolves names where the name server never answers. Usage: resolve.py PROGRAM

The program runs in a network namespace and a mount namespace of its own, where the only name server is
a socket of this script that is silent. Where namespaces are not to be had, nothing is tested."""

import ctypes
import os
import socket
import subprocess
import sys
import tempfile

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SKIPPED = 77


def enter_namespaces():
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNS | CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(flags) != 0:
        print("no namespaces:", os.strerror(ctypes.get_errno()))
        sys.exit(SKIPPED)
    if flags & CLONE_NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    for path, text in (("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"),
                       ("/etc/nsswitch.conf", "hosts: files dns\n")):
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(text)
        mounted = libc.mount(file.name.encode(), path.encode(), None, MS_BIND, None)
        os.unlink(file.name)
        if mounted != 0:
            print("no mounts:", os.strerror(ctypes.get_errno()))
            sys.exit(SKIPPED)
    up = subprocess.run(["ip", "link", "set", "lo", "up"], check=False, capture_output=True)
    if up.returncode != 0:
        print("no loopback:", up.stderr)
        sys.exit(SKIPPED)


def main():
    enter_namespaces()
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    done = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=250, check=False)
    silent.setblocking(False)
    questions = 0
    try:
        while silent.recv(512):
            questions += 1
    except BlockingIOError:
        pass
    print(done.stdout, done.stderr, f"{questions} questions", sep="")
    if done.returncode != 0 or questions == 0:
        sys.exit(f"FAILED: it left with {done.returncode}, and {questions} questions arrived")


if __name__ == "__main__":
    main()
