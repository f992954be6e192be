#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Kills workers of the example server under load. Usage: prime_server.py PROGRAM"""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request

LOAD = 400


def check(what, is_true, seen=""):
    if not is_true:
        sys.exit(f"FAILED: {what} {seen}")
    print(f"ok: {what}")


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))


def get(url):
    """Status and document."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=120) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def workers_of(server):
    return [int(p) for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir()
            for p in (task / "children").read_text(encoding="ascii").split()]


def main():
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        check("it answers", get(f"{url}/prime/97") == (200, {"n": 97, "prime": True}))
        check("an unusable number is refused", get(f"{url}/prime/x")[0] == 404)

        numbers = [10 ** 9 + 7 + i for i in range(LOAD)]
        killed, lost = 0, 0
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = {pool.submit(get, f"{url}/prime/{n}"): n for n in numbers}
            for done, reply in enumerate(concurrent.futures.as_completed(replies)):
                status, document = reply.result()
                n = replies[reply]
                if status == 503:
                    lost += 1
                elif (status, document) != (200, {"n": n, "prime": is_prime(n)}):
                    sys.exit(f"FAILED: a wrong answer for {n}: {status} {document}")
                if done % 40 == 20:
                    for pid in workers_of(server)[:1]:
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
        check("workers were killed under load", killed > 0, killed)
        check("each death cost one request at the most", lost <= killed, (lost, killed))
        check("it still answers", get(f"{url}/prime/91") == (200, {"n": 91, "prime": False}))
        server.stdin.close()
        check("it ends with its input", server.wait(timeout=120) == 0)


main()
