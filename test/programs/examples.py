#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs a numbered example and checks what it prints. Usage: examples.py PROGRAM"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def fail(what, seen):
    sys.exit(f"FAILED: {what}\n--- seen:\n{seen}")


class Run:
    """One run of the program, which has to succeed."""

    def __init__(self, program, *arguments):
        environment = dict(os.environ, FERRY_CPUS="2")
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=250,
                              env=environment, check=False)
        self.out, self.err = done.stdout, done.stderr
        if done.returncode != 0:
            fail(f"it leaves with {done.returncode}", self.out + self.err)

    def prints(self, *lines):
        if self.out.splitlines() != list(lines):
            fail("expected:\n" + "\n".join(lines), self.out)

    def numbers(self, pattern):
        """The groups of a pattern that the whole output has to match."""
        match = re.fullmatch(pattern, self.out)
        if match is None:
            fail(f"expected {pattern!r}", self.out)
        return [int(group) for group in match.groups()]

    def holds(self, what, is_true):
        if not is_true:
            fail(what, self.out + self.err)


def to_thread(program):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 12345)
        file.flush()
        run = Run(program, file.name)
    size, ticks = run.numbers(r"read (\d+) bytes\nthe loop ticked (\d+) times meanwhile\n")
    run.holds("the whole file was read", size == 12345)
    run.holds("the loop went on during the 60 ms of the read", ticks >= 2)
    Run(program, "/no/such/file").numbers(
        r"cannot open /no/such/file\nthe loop ticked (\d+) times meanwhile\n")


def submit_and_callbacks(program):
    Run(program).prints(
        "callback: <future finished: returned int>, 42",
        "callback: ferry",
        "callback: <future finished: raised std::runtime_error>",
        "6 * 7 = 42",
        "too late: runs at once")


def as_completed(program):
    run = Run(program)
    submitted, completed = run.numbers(
        r"as submitted: 250 150 80 10; the first after (\d+) ms\n"
        r"as completed: 10 80 150 250; the first after (\d+) ms\n")
    run.holds("the slowest was waited for first", submitted >= 250)
    run.holds("the quickest came first", 10 <= completed < submitted)


def map_(program):
    run = Run(program)
    *results, expired = run.out.splitlines()
    squares = [" ".join(str(n * n) for n in numbers)
               for numbers in (range(1, 5), range(1, 11), range(5, 8))]
    run.holds("results in the order of the input",
              [line.rstrip() for line in results] == [squares[0], "11 22 33", *squares[1:]])
    run.holds("the timeout came behind the second", expired.startswith("1 2 map: its timeout"))


def exceptions(program):
    run = Run(program)
    lines = run.out.splitlines()
    run.holds("each failure is named by its input", sorted(lines[:6]) == sorted([
        "'12' is 12", "'7' is 7", "'3' is 3",
        "'1O0': <future finished: raised std::invalid_argument>",
        "'': <future finished: raised std::invalid_argument>",
        "'99999999999': <future finished: raised std::out_of_range>"]))
    run.holds("map goes on behind failures", lines[6:] == [
        "left out: not a number", "left out: too large", "left out: not a number",
        "the sum of the others is 22"])


def timeout_per_task(program):
    run = Run(program)
    starts = ["the task 'queued' did not start in time", "the task 'slow' ran longer",
              "the task 'quick' is running and was not done in time", "rows"]
    lines = run.out.splitlines()
    run.holds("each limit has its text", len(lines) == 4 and all(
        line.startswith(start) for line, start in zip(lines, starts)))


def pool_sizing(program):
    run = Run(program)
    io, io_time, cpu, cpu_time, most, before, after = run.numbers(
        r"io-bound: (\d+) workers, 24 waits in (\d+) ms\n"
        r"cpu-bound: (\d+) workers, 24 waits in (\d+) ms\n"
        r"default: at most (\d+) workers, started (\d+), after a task (\d+)\n")
    run.holds("sizes for two processors", (io, cpu, most) == (6, 2, 6))
    run.holds("threads start on demand", (before, after) == (0, 1))
    run.holds("waits are no quicker than they can be", io_time >= 80 and cpu_time >= 240)
    run.holds("more threads wait more quickly", io_time < cpu_time)


def run_in_executor_and_gather(program):
    Run(program).prints("rope: 4, tar: 3", "oakum: 5", "wood: no such item", "sailcloth: 9")


def default_executor(program):
    run = Run(program)
    run.numbers(r"to_thread ran in disk_[01]\nall its threads have ended: true\n"
                r"cannot submit after shutdown.*\n")


def strands(program):
    run = Run(program)
    took, = run.numbers(r"1 2 3 4 5 6 \n-1 -2 -3 -4 -5 -6 \n12 statements of 20 ms took (\d+) ms\n")
    run.holds("one connection at a time, both connections at once", 120 <= took < 240)


def parallel_file_reader(program):
    with tempfile.TemporaryDirectory() as directory:
        empty = pathlib.Path(directory, "empty")
        empty.touch()
        run = Run(program, str(empty), directory, "/no/such/file")
    run.prints("file1: 1000 bytes", "file2: 2000 bytes", "file3: missing", "file4: 4000 bytes",
               "empty: 0 bytes", f"{pathlib.Path(directory).name}: missing", "file: missing")


def data_pipeline(program):
    run = Run(program)
    lost = {n: "fetch: no such order" for n in range(9, 41, 9)}
    unreadable = {n: "price: cannot read 'many 25'" for n in range(7, 41, 7)}
    failed = dict(sorted((lost | unreadable).items()))
    total = sum(25 * n for n in range(1, 41) if n not in failed)
    run.prints(f"{40 - len(failed)} orders, {total} cents; {len(failed)} failed:",
               *(f"  order {n}, {why}" for n, why in failed.items()))
    steps = re.findall(r"(\w+) (\d+)/(\d+)", run.err)
    found = 40 - len(lost)
    run.holds("progress is told for each", steps == [
        *(("fetch", str(n), "40") for n in range(1, 41)),
        *(("price", str(n), str(found)) for n in range(1, found + 1))])


def process_pool(program):
    def steps(n):
        return 0 if n == 1 else 1 + steps(n // 2 if n % 2 == 0 else 3 * n + 1)

    results = " ".join(str(steps(n)) for n in range(20, 30))
    Run(program).prints(f"{results} | must be positive | in this process",
                        f"{results} | must be positive | in another process")


def cancellation(program):
    Run(program).prints(
        "queued: cancel true, <future cancelled>",
        "running: cancel false, <future running>",
        "running: request_stop true, stopped early true",
        "wait_for: stopped early true")


def shutdown(program):
    run = Run(program)
    lines = run.out.splitlines()
    run.holds("counts", lines[0] == "finished: 1, dropped: 1")
    stuck = dict(re.fullmatch(r"(.+): stuck for (\d+) ms", line).groups() for line in lines[1:3])
    run.holds("both are named",
              stuck.keys() == {"send to a dead host", "print on a jammed printer"})
    run.holds("it ended before they did", all(0 < int(age) < 900 for age in stuck.values()))
    run.holds("futures know what became of them", lines[3:5] == [
        "save: <future finished: returned void>", "tidy up: <future cancelled>"])
    run.holds("nothing is taken any more", lines[5].startswith("cannot submit after shutdown"))


def loop_watch(program):
    Run(program).prints(
        "late: load the users",
        "the handler waits for the result of a task; in a coroutine use co_await "
        "future.async_result(), elsewhere add_done_callback()")


def context_values(program):
    Run(program).prints(*2 * ["a worker sees r-17/checkout/query"], "here it is not set")


def metrics(program):
    Run(program).prints(
        "even: 4 completed, 1 failed", "odd: 4 completed, 1 failed",
        'ferry_task_failed_total{pool="pages",label="even"} 1',
        'ferry_task_failed_total{pool="pages",label="odd"} 1')


def trace(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "t.json")
        run = Run(program, str(path))
        run.prints(f"open {path} in ui.perfetto.dev")
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        runs = sorted(e["name"] for e in events if e["cat"] == "run")
        run.holds("each task is a slice", runs == ["load", "load", "save"])
def progress_process(program):
    run = Run(program)
    for what in ("in a thread", "in a process"):
        bars = [int(n) for n in re.findall(rf"\n{what} \[#*\.*\] (\d+) %", run.out)]
        run.holds(f"the bar of the task {what} grows until it is full",
                  bars and bars == sorted(bars) and bars[-1] == 100)
    run.holds("both have imported everything", run.out.count("\n20000 rows\n") == 2)


def raw_threads(program):
    Run(program).prints(*2 * ["22 characters"], *2 * ["failed: empty page"])


def future_api(program):
    Run(program).prints(
        "first: done false, running true, cancelled false, <future running>",
        "second: done false, running false, cancelled false, <future pending>",
        "cancel: first false, second true",
        "request_stop: false",
        "within 1 ms: false",
        "result(1ms): timeout_error",
        "callback: <future finished: returned int>",
        "first: done true, running false, cancelled false, <future finished: returned int>",
        "second: done true, running false, cancelled true, <future cancelled>",
        "exception: none",
        "result: 42",
        "the task 'second' was cancelled [system:125]",
        "42; valid false",
        "value taken [ferry:2]")


def blocking_retry(program):
    Run(program).prints(
        "attempt 1", "attempt 2", "attempt 3", "contents of /index",
        "attempt 1", "404, not tried again", "the pause of an hour was cut short")


def tuner(program):
    run = Run(program)
    *curve, best = run.out.splitlines()
    rates = {int(match[1]): int(match[2]) for line in curve
             if (match := re.fullmatch(r" *(\d+) workers +(\d+)/s #+", line))}
    run.holds("each size has a point", list(rates) == [1, 2, 4, 8, 16])
    run.holds("more workers wait more quickly", rates[1] < rates[16])
    run.holds("one is named", re.fullmatch(r"use (4|8|16) workers", best) is not None)


def parallel_pipeline(program):
    run = Run(program)
    run.prints("rope: 4", "sailcloth: 9", "tar: 3", "oakum failed: no such item")
    run.holds("progress comes to its end", run.err.endswith("4/4\n"))


def file_map(program):
    Run(program).prints("bread: two loaves", "wine: a cask", "salt: cannot open it")


def resilient_fetcher(program):
    Run(program).prints(
        *3 * ["asking bad.example", "503 from bad.example"], "skipped bad.example: open",
        "asking good.example", "contents of good.example/")


def tracing_process(program):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    spans = [(name + 16 * "0")[:16] for name in ("request", "query", "render")]
    Run(program).prints(
        f"request is a child of 00f067aa0ba902b7 in trace {trace}",
        f"query is a child of {spans[0]} in trace {trace}",
        f"render is a child of {spans[1]} in trace {trace}",
        f"traceparent: 00-{trace}-{spans[0]}-01", "", f"<row>00-{trace}-{spans[2]}-01")


CHECKS = {check.__name__.rstrip("_"): check for check in (
    to_thread, submit_and_callbacks, as_completed, map_, exceptions, timeout_per_task, pool_sizing,
    run_in_executor_and_gather, default_executor, strands, parallel_file_reader, data_pipeline,
    process_pool, cancellation, shutdown, progress_process, loop_watch, context_values, metrics,
    trace, raw_threads, future_api, blocking_retry, tuner, parallel_pipeline, file_map,
    resilient_fetcher, tracing_process)}


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    CHECKS[pathlib.Path(program).name.split("_", 1)[1]](program)
    print("ok")


main()
