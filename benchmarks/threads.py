#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""threads.py WORKLOAD [SCALE]: the workloads of bench_core for ThreadPoolExecutor and asyncio.

Prints one sample as one line of JSON. There are fewer items than in C++; times are for one."""

import asyncio
import concurrent.futures
import json
import sys
import threading
import time

WORKERS = 2


def identity(n):
    return n


def timed(items, work):
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / items


def submit_all(pool, n):
    pool.submit(identity, 0).result()

    def work():
        for f in [pool.submit(identity, i) for i in range(n)]:
            f.result()
    return timed(n, work)


def post_all(pool, n, producers):
    left = iter(range(n - 1))
    done = threading.Event()

    def count_down():
        if next(left, None) is None:
            done.set()

    def produce():
        for _ in range(n // producers):
            pool.submit(count_down)

    def work():
        threads = [threading.Thread(target=produce) for _ in range(producers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        done.wait()
    return timed(n, work)


def one_by_one(pool, n):
    def work():
        for i in range(n):
            pool.submit(identity, i).result()
    return timed(n, work)


def completion_order(pool, n):
    def work():
        futures = [pool.submit(identity, i) for i in range(n)]
        assert sum(f.done() for f in concurrent.futures.as_completed(futures)) == n
    return timed(n, work)


def blocked(pool, n):
    asleep = threading.Event()

    def sleeper():
        asleep.set()
        time.sleep(0.3)
    pool.submit(sleeper)
    asleep.wait()
    return post_all(pool, n, 1)


def trips(pool, coroutines, each):
    async def go():
        for i in range(each):
            await asyncio.to_thread(identity, i)

    async def main():
        asyncio.get_running_loop().set_default_executor(pool)
        await asyncio.gather(*(go() for _ in range(coroutines)))
    return timed(coroutines * each, lambda: asyncio.run(main()))


WORKLOADS = {  # the number of items, what runs them
    "w1": (20_000, submit_all),
    "w2": (20_000, lambda pool, n: post_all(pool, n, 1)),
    "w2p4": (20_000, lambda pool, n: post_all(pool, n, 4)),
    "w3": (3000, one_by_one),
    "w4s": (3000, lambda pool, n: trips(pool, 1, n)),
    "w4c": (10, lambda pool, n: trips(pool, 1000, n)),
    "w6small": (1000, completion_order),
    "w6": (100_000, completion_order),
    "blocker": (1000, blocked),
}


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in WORKLOADS:
        sys.exit(f"usage: threads.py {'|'.join(WORKLOADS)} [SCALE]")
    workload = sys.argv[1]
    scale, work = WORKLOADS[workload]
    if len(sys.argv) == 3:
        scale = int(sys.argv[2])
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        ns = work(pool, scale)
    print(json.dumps({"workload": workload, "implementation": "cpython", "items": scale, "ns": ns}))


if __name__ == "__main__":
    main()
