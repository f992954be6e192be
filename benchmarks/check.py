#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""check.py DIRECTORY: whether the benchmarks that were built there run and print what they should.

Runs each with few items, and looks at the form only: a test must not depend on time."""

import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv.pop()) if len(sys.argv) > 1 else HERE
POOL_SIZE = BUILD / "pool_size"
COUNTER = BUILD / "bench_allocations"
SMALL = {"grow_producers": 2, "grow_workers": 2, "grow_contexts": 2, "timer": 5, "echo": 5,
         "w4c": 2}  # else 200


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=50,
                          check=False)


@unittest.skipUnless((BUILD / "bench_process").is_file(), "bench_process was not built")
class Processes(unittest.TestCase):
    def test_bare_sockets_and_floors_print_a_sample(self):
        for workload, name in (("p1", "socket"), ("p3_1k", "socket"), ("p3_64k", "floor"), ("p6", "floor")):
            with self.subTest(workload=workload, implementation=name):
                done = run(BUILD / "bench_process", workload, name, 2)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertGreater(json.loads(done.stdout)["values"][workload], 0)


class SlowServer(unittest.TestCase):
    def test_an_answer_comes_after_the_time_that_the_path_names(self):
        with subprocess.Popen([BUILD / "slow_server"], stdout=subprocess.PIPE, text=True) as server:
            try:
                with socket.create_connection(("127.0.0.1", int(server.stdout.readline())),
                                              timeout=40) as client:
                    for delay in (0, 50):
                        begin = time.monotonic()
                        client.sendall(f"GET /{delay}/1 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                        self.assertIn(b"200 OK", client.recv(1000))
                        self.assertGreaterEqual(time.monotonic() - begin, delay / 1000)
                    client.sendall(b"nonsense\r\n\r\n")
                    self.assertEqual(client.recv(1000), b"")
            finally:
                server.kill()


class Workloads(unittest.TestCase):
    def test_every_workload_prints_one_sample(self):
        for workload, name in json.loads(run(BUILD / "bench_core", "--list").stdout)["workloads"]:
            with self.subTest(workload=workload, implementation=name):
                done = run(BUILD / "bench_core", workload, name, SMALL.get(workload, 200))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                sample = json.loads(done.stdout)
                self.assertEqual((sample["workload"], sample["implementation"]), (workload, name))
                self.assertGreater(sample["items"], 0)
                self.assertGreater(sample["ns"], 0)

    @unittest.skipUnless(COUNTER.is_file(), "bench_allocations was not built")
    def test_allocations_are_counted(self):
        sample = json.loads(run(COUNTER, "w1", "asio", 200).stdout)
        self.assertGreaterEqual(sample["allocations_per_item"], 1)
        self.assertGreater(sample["bytes_per_item"], 0)

    def test_what_does_not_exist_is_refused(self):
        for arguments, words in ((("w9", "ferry"), "no workload 'w9'"), (("w1",), "usage"),
                                 (("w1", "ferry", "-3"), "positive number, not '-3'")):
            done = run(BUILD / "bench_core", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)

    def test_run_prints_a_table_and_writes_json_and_charts(self):
        with tempfile.TemporaryDirectory() as scratch:
            out = pathlib.Path(scratch)
            done = run(sys.executable, HERE / "run", "--binary", BUILD / "bench_core", "--counter",
                       COUNTER, "--samples", 1, "--scale", 50, "--only",
                       "w1,w3", "--plot", out, "--json", out / "all.json")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for name in ("ferry", "asio", "async", "cpython", "floor"):
                self.assertIn(f"\n    {name} ", done.stdout)
            for column in ("free p10", "p50", "p90", "cpu", "pin1 p50"):
                self.assertIn(f" {column}", done.stdout)
            written = json.loads((out / "all.json").read_text())
            self.assertTrue(all(s["cpu"] >= 0 for s in written["samples"]))
            medians = written["medians"]
            self.assertEqual(set(medians["w3"]["ferry"]), {"free", "pin1", "counted"})
            chart = "".join(xml.etree.ElementTree.parse(out / "w3.svg").getroot().itertext())
            self.assertIn("futex round trip, pin1:", chart)

    def test_run_compares_with_what_was_measured_before(self):
        with tempfile.TemporaryDirectory() as scratch:
            file = pathlib.Path(scratch) / "old.json"
            command = (sys.executable, HERE / "run", "--binary", BUILD / "bench_core", "--counter",
                       COUNTER, "--samples", 2, "--scale", 50, "--only", "w3", "--python", "none")
            self.assertEqual(run(*command, "--json", file).returncode, 0)
            old = json.loads(file.read_text())
            for s in old["samples"]:
                s["ns"] *= 1e6 if s["implementation"] == "ferry" else 1
            old["machine"]["cpu"] = "another"
            file.write_text(json.dumps(old))
            done = run(*command, "--compare", file)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("before: another, processors ", done.stdout)
            self.assertIn("another kind of machine", done.stdout)
            self.assertRegex(done.stdout, r"\nw3 +ferry +free +[\d.,]+ +[\d.,]+ +[\d.,]+\n")
            self.assertRegex(done.stdout, r"\nw3 +asio +pin1 +[\d.,]+ +[\d.,]+ +[\d.,]+")
            self.assertEqual(run(*command, "--compare", file.with_name("none")).returncode, 2)

    def test_growth_prints_exponents(self):
        done = run(sys.executable, HERE / "run_growth", "--binary", BUILD / "bench_core",
                   "--samples", 1, "--most", 1000, "--only", "grow_completed,burst")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\nexponent +-?\d+\.\d+ +-?\d+\.\d+\n")
        self.assertRegex(done.stdout, r"\nrss_peak +\d")


@unittest.skipUnless(POOL_SIZE.is_file(), "pool_size was not built")
class PoolSize(unittest.TestCase):
    QUICK = ("--sizes", "2,1,2", "--seconds", 0.05)

    def test_it_prints_a_row_and_a_bar_for_each_size_and_takes_one(self):
        for kind in (("wait", "--wait-ms", 1), ("file", "--file-kb", 4), ("cpu", "--cpu-us", 20)):
            with self.subTest(kind=kind[0]):
                done = run(POOL_SIZE, "--kind", *kind, *self.QUICK)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                rows = re.findall(r"^ +(\d+)(?: +[\d.]+){5}$", done.stdout, re.M)
                bars = re.findall(r"^ +(\d+) \|#*", done.stdout, re.M)
                self.assertEqual((rows, bars), (["1", "2"], ["1", "2"]))
                taken = re.search(r"^Take ([12]): the smallest size within 5 %", done.stdout, re.M)
                self.assertRegex(done.stdout, rf"(?m)^ +{taken[1]} \|#* <-$")
                self.assertIn("ferry::io_bound_workers() says ", done.stdout)

    def test_it_draws_the_curve_into_a_file(self):
        with tempfile.TemporaryDirectory() as scratch:
            file = pathlib.Path(scratch) / "curve.svg"
            self.assertEqual(run(POOL_SIZE, *self.QUICK, "--svg", file).returncode, 0)
            root = xml.etree.ElementTree.parse(file).getroot()
            self.assertEqual(len(root.findall("{*}polyline")), 1)

    def test_it_refuses_bad_options_with_their_names(self):
        for arguments, words in ((("--kind", "x"), "--kind"), (("--sizes", "0"), "--sizes"),
                                 (("--sizes", "1,a"), "--sizes"), (("--wait-ms", -1), "--wait-ms"),
                                 (("--cpu-us", 5), "--cpu-us: is for --kind cpu only"),
                                 (("--in-flight", 0), "--in-flight"), (("--foo",), "--foo")):
            done = run(POOL_SIZE, *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(words, done.stderr)

    def test_it_tells_what_it_cannot_do(self):
        for arguments, words in ((("--svg", "/nowhere/x.svg"), "cannot write '/nowhere/x.svg'"),
                                 (("--wait-ms", 200, "--sizes", 1, "--seconds", 0.01), "too short")):
            done = run(POOL_SIZE, *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
