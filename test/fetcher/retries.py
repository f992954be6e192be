#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What is tried again, when, and how much goes on at a time."""

import time

from harness import FetcherTest, main
from servers import RawServer, Server, read_head

QUICK = ["--backoff", "0.01"]


class Retries(FetcherTest):
    def attempts(self, server, path, *arguments):
        self.fetch(*QUICK, *arguments, server.url + path)
        return server.of_path[path]

    def test_which_statuses_are_tried_again(self):
        with Server() as server:
            for status in [408, 425, 429, 500, 502, 503, 504]:
                self.assertEqual(self.attempts(server, f"/{status}"), 3, status)
            for status in [400, 401, 404, 409, 501, 505]:
                self.assertEqual(self.attempts(server, f"/{status}"), 1, status)
            self.assertEqual(self.attempts(server, "/503/none", "--retries", "0"), 1)
            self.assertEqual(self.attempts(server, "/503/five", "--retries", "5"), 6)

    def test_what_is_tried_again_can_be_chosen(self):
        with Server() as server:
            self.assertEqual(self.attempts(server, "/404/x", "--retry-on", "404,closed"), 3)
            self.assertEqual(self.attempts(server, "/503/x", "--retry-on", "404"), 1)
            self.assertEqual(self.attempts(server, "/501/x", "--retry-on", "5xx"), 3)
            self.assertEqual(self.attempts(server, "/dropped/1", "--retry-on", "404"), 1)
            self.assertEqual(self.attempts(server, "/text", "--retry-on", "json", "--check", "json"), 3)

    def test_a_request_that_may_have_been_done_is_not_repeated(self):
        with Server() as server:
            for method, count in [("POST", 1), ("PATCH", 1), ("PUT", 3), ("DELETE", 3), ("HEAD", 3)]:
                self.assertEqual(self.attempts(server, f"/503/{method}", "-X", method), count, method)
            self.assertEqual(
                self.attempts(server, "/503/all", "-X", "POST", "--retry-all-methods"), 3)

    def test_a_request_that_was_never_sent_is_repeated_whatever_its_method(self):
        done = self.fetch(*QUICK, "--json", "-X", "POST", "http://127.0.0.1:1/")
        self.assertEqual([each["failure"] for each in done.objects()[0]["attempts"]],
                         ["connect"] * 3)

    def test_success_after_failures(self):
        with Server() as server:
            self.expect(0, r"200 \d+ms 3 attempts", *QUICK, server.url + "/flaky/503/2")
            self.expect(0, r"200 \d+ms 2 attempts", *QUICK, server.url + "/dropped/1")
            done = self.fetch(*QUICK, "--json", server.url + "/flaky/502/1")
            one, two = done.objects()[0]["attempts"]
            self.assertEqual((one["status"], one["failure"], two["status"]), (502, "status", 200))

    def test_the_budget_is_for_the_whole_run(self):
        with Server() as server:
            self.fetch(*QUICK, "--retry-budget", "4", "--base-url", server.url + "/503", "1-5")
            self.assertEqual(len(server.requests), 9)

    def test_retry_after_closes_the_host(self):
        for wait, least in [("1", 0.9), ("date", 0.9)]:
            with self.subTest(wait=wait), Server() as server:
                # One at a time: nothing else is asked of the host in between.
                done = self.fetch(*QUICK, "-j", "1", server.url + f"/after/429/{wait}/a",
                                  "--base-url", server.url + "/ok", "1-3")
                self.assertEqual(done.code, 0, str(done))
                times = [at for at, _, _ in server.requests]
                self.assertEqual(len(times), 5)
                self.assertGreaterEqual(times[1] - times[0], least)

    def test_another_host_goes_on_meanwhile(self):
        with Server() as busy, Server() as other:
            done = self.fetch(*QUICK, "-j", "1", busy.url + "/after/503/1/a", busy.url + "/ok",
                              "--base-url", other.url, "1-20")
            self.assertEqual(done.code, 0, str(done))
            self.assertLess(min(at for at, _, _ in other.requests),
                            max(at for at, _, _ in busy.requests))

    def test_retry_after_has_a_limit(self):
        with Server() as server:
            begin = time.monotonic()
            self.expect(0, "2 attempts", *QUICK, "--max-retry-after", "0.2",
                        server.url + "/after/503/86400/a")
            self.assertLess(time.monotonic() - begin, 60)


class Breaker(FetcherTest):
    def test_a_host_that_fails_is_left_alone_and_others_go_on(self):
        with Server() as server:
            done = self.fetch(*QUICK, "--breaker", "3", "--breaker-reset", "0.1", "-j", "2",
                              "--retries", "0", "--base-url", server.url + "/500", "1-200",
                              server.url.replace("127.0.0.1", "localhost") + "/ok")
            self.assertEqual(done.code, 1, str(done))
            self.assertIn("circuit-open", done.out)
            self.assertIn("keeps failing", done.err)
            # Three, what was on its way with the third, and a probe for each pause.
            self.assertLess(len(server.requests), 20)
            self.assertIn("succeeded: 1 of 201", done.out)

    def test_a_host_that_recovers_loses_nothing(self):
        with Server() as server:
            done = self.fetch(*QUICK, "--breaker", "1", "--breaker-reset", "0.1", "-j", "1",
                              server.url + "/flaky/500/1/a", "--base-url", server.url + "/ok", "1-50")
            self.assertEqual(done.code, 0, str(done))
            self.assertIn("answers again", done.err)

    def test_it_can_be_switched_off(self):
        with Server() as server:
            self.fetch("--breaker", "0", "--retries", "0", "--base-url", server.url + "/500", "1-50")
            self.assertEqual(len(server.requests), 50)


class Limits(FetcherTest):
    def test_as_many_at_a_time_as_asked_for(self):
        with Server() as server:
            run = self.running("-j", "3", "--base-url", server.url + "/gate", "1-9")
            server.wait_for(lambda: server.present["gate"] == 3)
            server.gate.set()
            self.assertEqual(run.finish().code, 0)
            self.assertEqual(server.most["gate"], 3)

    def test_as_many_at_a_time_for_each_host(self):
        with Server() as one, Server() as other:
            run = self.running("-j", "10", "--per-host", "2", "--base-url", one.url + "/gate", "1-6",
                               *[f"{other.url}/gate/{n}" for n in range(6)])
            one.wait_for(lambda: one.present["gate"] == 2)
            other.wait_for(lambda: other.present["gate"] == 2)
            one.gate.set()
            other.gate.set()
            self.assertEqual(run.finish().code, 0)
            self.assertEqual((one.most["gate"], other.most["gate"]), (2, 2))

    def test_so_many_a_second(self):
        for option in ["--rate", "--per-host-rate"]:
            with self.subTest(option=option), Server() as server:
                self.expect(0, "", option, "20", "--base-url", server.url + "/ok", "1-5")
                times = [at for at, _, _ in server.requests]
                self.assertGreaterEqual(times[-1] - times[0], 0.15)

    def test_connections_are_kept(self):
        with Server() as server:
            self.expect(0, "connections: 1 opened, reused 29 times", "-j", "1", "--base-url", server.url + "/ok",
                        "1-30")
            self.assertEqual(server.connections, 1)

    def test_of_many_hosts_each_keeps_its_connection(self):
        servers = [Server(f"127.0.0.{n}") for n in range(1, 21)]
        for each in servers:
            each.__enter__()
        urls = [f"{each.url}/ok/{n}" for n in range(20) for each in servers]
        done = self.fetch("-i", self.write("urls", "\n".join(urls)))
        for each in servers:
            each.__exit__()
        self.assertEqual(done.code, 0, str(done))
        self.assertLessEqual(sum(each.connections for each in servers), 80)  # for 400 requests

    def running(self, *arguments):
        from harness import Running
        return Running(*arguments, cwd=self.directory)


class TimeLimits(FetcherTest):
    def test_an_attempt_has_its_time(self):
        with Server() as server:
            self.expect(3, r"- \d+ms 2 attempts fetch_\d timed out.*timeout 1", *QUICK, "--timeout",
                        "0.1", "--retries", "1", server.url + "/silent")

    def test_a_connection_has_its_time(self):
        import socket
        # Nobody accepts, and the queue is full: connecting takes forever.
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        self.expect(3, "timeout 1", "--connect-timeout", "0.2", "--timeout", "100", "--retries", "0",
                    f"http://127.0.0.1:{listener.getsockname()[1]}/")
        for each in fillers + [listener]:
            each.close()

    def test_an_answer_that_stalls_is_given_up(self):
        def serve(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.recv(1)
        with RawServer(serve) as server:
            self.expect(3, "stall 1", "--stall-timeout", "1", "--timeout", "100", "--retries", "0",
                        server.url)

    def test_the_whole_run_has_its_time(self):
        with Server() as server:
            done = self.expect(
                1, r"succeeded: 1 of 3\nfailed: 2 \(gave-up 2\)\n  [12]: gave up: the total "
                   r"timeout expired\n  [12]: gave up", "--total-timeout", "1", "--base-url",
                server.url + "/silent", "1-2", server.url + "/ok")
            self.assertEqual(done.out.count("  1: gave up"), 1)
            done = self.fetch("--total-timeout", "1", "--json", server.url + "/silent")
            attempt = done.objects()[0]["attempts"][0]
            self.assertEqual(attempt["failure"], "gave-up")
            self.assertGreater(attempt["us"], 100_000)


main()
