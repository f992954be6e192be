#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""How runs end: interruptions, the first failure, progress on the way, the demonstration."""

import os
import pty
import re
import select
import signal
import subprocess
import time

from harness import FETCHER, FetcherTest, Running, environment, main
from servers import Server, TICK


class Signals(FetcherTest):
    def run_into_gate(self, server, *arguments):
        run = Running("-j", "2", *arguments, server.url + "/ok", "--base-url", server.url + "/gate",
                      "1-5")
        server.wait_for(lambda: server.present["gate"] == 2)
        return run

    def test_the_first_lets_end_what_is_under_way(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(number=number), Server() as server:
                run = self.run_into_gate(server)
                run.signal(number)
                run.wait_for_error("interrupted; waiting for 2 under way: ")
                server.gate.set()
                done = run.finish()
                self.assertEqual(done.code, code, str(done))
                self.assertRegex(done.out, r"succeeded: 3 of 6\nnot finished: 3\n  3\n  4\n  5\n")
                self.assertIn("interrupted\n", done.out)

    def test_the_second_cuts_it(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(number=number), Server() as server:
                run = self.run_into_gate(server, "--timeout", "600")
                run.signal(number)
                run.wait_for_error("interrupted; waiting for 2 under way: ")
                run.signal(number)
                run.wait_for_error("cut: 2 under way: ")
                done = run.finish()
                self.assertEqual(done.code, code, str(done))
                self.assertRegex(done.out, r"succeeded: 1 of 6\nnot finished: 5\n")
                for name in "12345":
                    self.assertIn(f"\n  {name}\n", done.out)

    def test_what_workers_have_in_reserve_is_not_under_way(self):
        with Server() as server: # many good answers let workers have some in reserve
            run = Running("-j", "2", *[server.url + "/ok"] * 40, "--base-url",
                          server.url + "/gate", "1-15", "--progress", "lines")
            server.wait_for(lambda: server.present["gate"] == 2)
            run.wait_for_error("40/55")
            run.signal(signal.SIGINT)
            run.wait_for_error("interrupted; waiting for 2 under way: ")
            run.wait_for_error("; 13 not started; ")
            server.gate.set()
            done = run.finish()
            self.assertEqual(done.code, 130, str(done))
            self.assertRegex(done.out, r"succeeded: \d+ of 55\nnot finished: \d+\n")
            self.assertRegex(done.err, r"40/55  \d+/s, 0 failed, 2 under way, ")
            self.assertNotRegex(done.err, r", ([3-9]|\d\d) under way")

    def test_objects_tell_of_what_is_not_finished(self):
        with Server() as server:
            run = self.run_into_gate(server, "--json")
            run.signal(signal.SIGINT)
            run.wait_for_error("interrupted")
            run.signal(signal.SIGINT)
            done = run.finish()
            self.assertEqual(sorted(each["id"] for each in done.objects()
                                    if each.get("failure") == "gave-up"), ["1", "2", "3", "4", "5"])

    def test_a_list_that_does_not_come_does_not_keep_it(self):
        with Server() as server:
            run = Running("-i", "-")
            run.process.stdin.write((server.url + "/ok\n").encode())
            run.process.stdin.flush()
            server.wait_for(lambda: server.requests)
            run.signal(signal.SIGINT)
            done = run.finish()
            self.assertEqual(done.code, 130, str(done))
            self.assertIn("and the rest of the lists", done.out)

    def test_a_reader_that_reads_nothing_does_not_keep_it(self):
        with Server() as server:
            run = subprocess.Popen([FETCHER, "-o", "-", "--base-url", server.url + "/big/100000",
                                    "1-100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment())
            server.wait_for(lambda: len(server.requests) >= 10)
            run.send_signal(signal.SIGINT)
            while b"interrupted" not in run.stderr.readline():
                pass
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(TICK), 130)
            run.stdout.close()
            run.stderr.close()


class FailFast(FetcherTest):
    def test_nothing_is_started_after_a_failure(self):
        with Server() as server:
            done = self.fetch("--fail-fast", "-j", "1", server.url + "/ok", server.url + "/404",
                              "--base-url", server.url + "/ok", "1-1000")
            self.assertEqual(done.code, 1, str(done))
            self.assertEqual(len(server.requests), 2)
            self.assertIn("not finished: 1000", done.out)


class Progress(FetcherTest):
    def test_lines(self):
        with Server() as server:
            done = self.fetch("--progress", "lines", "--base-url", server.url + "/ok", "1-3")
            self.assertRegex(  # earlier lines only if it takes long
                done.err, r"^(fetcher: [0-2]/3 .*\n)*"
                r"fetcher: 3/3  \d+/s, 0 failed, 0 under way, \d+ B\n$")
            self.assertNotIn("under way", done.out)

    def test_none(self):
        with Server() as server:
            done = self.fetch("--progress", "none", "--json", "--base-url", server.url + "/ok", "1-3")
            self.assertEqual(done.err, "")

    def test_a_bar_on_a_terminal(self):
        with Server() as server:
            master, terminal = pty.openpty()
            run = subprocess.Popen([FETCHER, "--json", "--base-url", server.url + "/gate", "1-3"],
                                   stdout=subprocess.PIPE, stderr=terminal, env=environment())
            os.close(terminal)
            seen = b""
            deadline = time.monotonic() + TICK
            while b"under way" not in seen and time.monotonic() < deadline:
                if select.select([master], [], [], 1)[0]:
                    seen += os.read(master, 4096)
            server.gate.set()
            out = run.stdout.read()
            self.assertEqual(run.wait(TICK), 0)
            self.assertRegex(seen, rb"\r\x1b\[K\[\.+\] 0/3  0/s, 0 failed, 3 under way")
            self.assertNotIn(b"\x1b", out)
            run.stdout.close()
            os.close(master)

    def test_a_bar_when_asked_for(self):
        with Server() as server:
            run = Running("--progress", "bar", "--base-url", server.url + "/gate", "1-3")
            server.wait_for(lambda: server.present["gate"] == 3)
            time.sleep(0.3)  # the bar is drawn anew ten times a second
            server.gate.set()
            self.assertIn("\r\x1b[K[", run.finish().err)


class Demonstration(FetcherTest):
    def test_it_is_as_it_should_be_and_takes_less_than_ten_seconds(self):
        begin = time.monotonic()
        done = self.expect(0, "every outcome is the one the server was told to give", "--demo")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertRegex(done.out, r'the body of busy-1, from its file: \{"id":"busy-1"')
        self.assertIn("circuit-open", done.out)
        self.assertIn("left alone", done.err)
        self.assertEqual(len(re.findall(r"^\[\d+/29\] ", done.out, re.M)), 29)
        self.assertEqual(self.fetch("--demo", "--json").code, 0)


main()
