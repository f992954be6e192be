#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""processes.py WORKLOAD CONTEXT [SCALE]: the workloads of processes.cpp for ProcessPoolExecutor.

CONTEXT is how its workers start: fork or spawn. Prints one sample as one line of JSON."""

import concurrent.futures
import json
import multiprocessing
import os
import signal
import statistics
import sys
import time

WORKERS = 2
KB, MB = 1 << 10, 1 << 20
ECHO = {  # bytes, repetitions
    "p3_1k": (KB, 2000),
    "p3_64k": (64 * KB, 1000),
    "p3_1m": (MB, 100),
    "p3_16m": (16 * MB, 12),
    "p3_64m": (64 * MB, 5),
    "p3s_1m": (MB, 100),
    "p3s_64m": (64 * MB, 5),
}
MAPS = {"map1": (1, 10_000), "map16": (16, 100_000), "map256": (256, 512_000)}  # chunk, items


# What the workers run.
def increment(n):
    return n + 1


def echo(data):
    return data


def pid_after(seconds):
    time.sleep(seconds)
    return os.getpid()


def burn(rounds):
    x = rounds
    for _ in range(rounds):
        x = (x * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    return x


def spin():
    while burn(1000) != 0:
        pass


def new_pool(context, workers=WORKERS):
    return concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context(context))


def start_all(pool):
    """Makes sure that all workers run, and gives their process ids."""
    pids = set()
    while len(pids) < WORKERS:
        pids = set(pool.map(pid_after, [0.02] * WORKERS))
    return pids


def timed(pool, repetitions, work):
    start_all(pool)
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / repetitions


def round_trip(pool, n):
    def work():
        for i in range(n):
            pool.submit(increment, i).result()
    return timed(pool, n, work)


def submit_all(pool, n):
    def work():
        futures = [pool.submit(increment, i) for i in range(n)]
        for f in futures:
            f.result()
    return timed(pool, n, work)


def map_all(pool, n, chunk):
    def work():
        assert sum(pool.map(increment, range(n), chunksize=chunk)) == n * (n + 1) // 2
    return timed(pool, n, work)


def echo_all(pool, n, size):
    data = b"x" * size
    for _ in range(2):
        pool.submit(echo, data).result()

    def work():
        for _ in range(n):
            assert len(pool.submit(echo, data).result()) == size
    return timed(pool, n, work)


def start_and_stop(context):
    start = time.perf_counter_ns()
    pool = new_pool(context)
    pool.submit(increment, 1).result()
    started = time.perf_counter_ns()
    pool.shutdown()
    return {"p4": started - start, "p4stop": time.perf_counter_ns() - started}


def speed_up(context, rounds):
    tasks = 20
    start = time.perf_counter_ns()
    expected = [burn(rounds) for _ in range(tasks)]
    alone = time.perf_counter_ns() - start
    with new_pool(context) as pool:
        def work():
            futures = [pool.submit(burn, rounds) for _ in range(tasks)]
            assert [f.result() for f in futures] == expected
        return alone / timed(pool, 1, work)


def time_to_failure(context, n):
    times = []
    for _ in range(n):
        with new_pool(context, 1) as pool:
            pid = pool.submit(pid_after, 0).result()
            future = pool.submit(spin)
            time.sleep(0.05)
            start = time.perf_counter_ns()
            os.kill(pid, signal.SIGKILL)
            assert future.exception() is not None
            times.append(time.perf_counter_ns() - start)
    return statistics.median(times)


def memory_of_worker(context):
    with new_pool(context) as pool:
        pid = start_all(pool).pop()
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            found = dict(line.split(":", 1) for line in file if ":" in line and "kB" in line)
    return {name: int(found[key].split()[0]) * KB
            for name, key in (("p7dirty", "Private_Dirty"), ("p7pss", "Pss"))}


def run(workload, context, scale):
    if workload == "p4":
        return start_and_stop(context)
    if workload == "p5":
        return {workload: speed_up(context, scale or 600_000)}
    if workload == "p6":
        return {workload: time_to_failure(context, scale or 25)}
    if workload == "p7":
        return memory_of_worker(context)
    with new_pool(context) as pool:
        if workload == "p1":
            return {workload: round_trip(pool, scale or 3000)}
        if workload == "p2":
            return {workload: submit_all(pool, scale or 10_000)}
        if workload in MAPS:
            chunk, n = MAPS[workload]
            return {workload: map_all(pool, scale or n, chunk)}
        if workload in ECHO:
            size, n = ECHO[workload]
            return {workload: echo_all(pool, scale or n, size)}
    sys.exit(f"processes.py: there is no workload '{workload}'")


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[2] not in ("fork", "spawn"):
        sys.exit("usage: processes.py WORKLOAD fork|spawn [SCALE]")
    workload, context = sys.argv[1:3]
    values = run(workload, context, int(sys.argv[3]) if len(sys.argv) == 4 else 0)
    print(json.dumps({"workload": workload, "implementation": context, "values": values}))


if __name__ == "__main__":
    main()
