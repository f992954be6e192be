#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Servers that do not mean well, and systems that have little to give."""

import resource
import subprocess

from harness import FETCHER, FetcherTest, environment, main
from servers import RawServer, Server, read_head

DANGEROUS = "\x1b]0;title\x07\x1b[2J\x7f\u009b31m\u202etxet\u2066\u2028\u2029\ufeff\U000e0041"


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


class Framing(FetcherTest):
    def answer(self, data, *arguments, then_wait=False):
        """The object about a request that is answered with these bytes."""
        def serve(connection):
            while read_head(connection):
                connection.sendall(data)
                if not then_wait:
                    return
        with RawServer(serve) as server:
            done = self.fetch("--json", "--retries", "0", "--timeout", "2", "--progress", "none",
                              *arguments, server.url)
            self.assertEqual(len(done.objects()), 1, str(done))
            return done.objects()[0]

    def test_every_fault_is_one_failed_target(self):
        head = b"HTTP/1.1 200 OK\r\n"
        for name, data, failures in [
                ("nothing", b"", {"closed"}),
                ("no HTTP", b"hello\r\n\r\n", {"protocol"}),
                ("half a head", head + b"Content-", {"closed", "none"}),
                ("short body", head + b"Content-Length: 10\r\n\r\nhalf", {"closed"}),
                ("negative length", head + b"Content-Length: -1\r\n\r\n", {"protocol", "other"}),
                ("huge length", head + b"Content-Length: 99999999999999999999999\r\n\r\nx",
                 {"closed", "protocol", "too-large", "other", "none"}),
                ("chunk size", head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                 {"closed", "protocol"}),
                ("half a chunk", head + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf", {"closed"}),
                ("no gzip", head + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
                 {"protocol"}),
                ("half a gzip", head + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
                 b"\x1f\x8b\x08\0\0\0\0\0\0\x03", {"protocol", "none"}),
                ("other version", b"HTTP/9.9 200 OK\r\n\r\n", {"protocol"}),
                ("header bomb", head + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", {"other", "protocol"}),
                ("redirect to a file", b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n"
                 b"Content-Length: 0\r\n\r\n", {"protocol", "status"})]:
            with self.subTest(name=name):
                got = self.answer(data, "--compressed", "-L")
                self.assertIn(got.get("failure", "none"), failures, got)

    def test_an_answer_without_an_end_ends(self):
        def endless(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)
        with RawServer(endless) as server:
            self.expect(3, "too-large 1", "--max-body", "10M", server.url)
            self.expect(3, "timeout 1", "--timeout", "0.3", "--retries", "0", server.url)

    def test_headers_without_an_end_end(self):
        def endless(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-More: and more\r\n" * 1000)
        with RawServer(endless) as server:
            self.expect(3, "failed: 1", "--timeout", "1", "--retries", "0", server.url,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA,
                                                              (1 << 30, 1 << 30)))

    def test_bytes_that_drip_in_are_a_whole_answer(self):
        def drip(connection):
            read_head(connection)
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
                connection.sendall(bytes([byte]))
        with RawServer(drip) as server:
            self.expect(0, "200 .*{}", server.url)

    def test_a_connection_that_dies_fails_what_it_had_and_no_more(self):
        seen = []

        def serve(connection):
            while read_head(connection):
                seen.append(1)
                if len(seen) > 3:
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        with RawServer(serve) as server:
            done = self.fetch("-j", "1", "--retries", "0", "--base-url", server.url + "/ok", "1-6")
            self.assertIn("succeeded: 3 of 6\nfailed: 3 (closed 3)", done.out, str(done))

    def test_nobody_there(self):
        self.expect(3, "Couldn't connect to server: Connection refused", "--retries", "0",
                    "http://127.0.0.1:1/")
        self.expect(3, "url 1", "http://no..host/")  # no name server is asked


class Terminal(FetcherTest):
    def check(self, done):
        for c in done.out + done.err:
            code = ord(c)
            self.assertFalse((code < 0x20 and c != "\n") or 0x7f <= code < 0xa0 or
                             code in (0x061c, 0x200e, 0x200f, 0xfeff) or 0x2028 <= code <= 0x202e or
                             0x2066 <= code <= 0x2069 or 0xdc80 <= code <= 0xdcff or
                             0xe0000 <= code <= 0xe007f, f"{c!r} in: {done}")

    def test_nothing_that_a_server_sends_reaches_the_terminal_as_it_is(self):
        text = DANGEROUS.encode() + b"\xff\xfe\xc0\x80"
        with Server() as server:
            server.raw["text"] = text
            server.raw["json"] = b'{"a": "' + text + b'"}'
            for arguments in [[], ["--check", "json"], ["--json"], ["--check", "json", "--json"]]:
                for path in ["/raw/text", "/raw/json"]:
                    self.check(self.fetch(*arguments, server.url + path))

        def serve(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 404 " + text + b"\r\nLocation: http://x/" + text +
                               b"\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        with RawServer(serve) as server:
            for arguments in [[], ["--json"], ["-o", "-"], ["-L"]]:
                self.check(self.fetch(*arguments, server.url))

    def test_nor_anything_of_a_list(self):
        with Server() as server:
            lines = f'{{"id": "{DANGEROUS[0:0]}\\u001b[2J\\u009b\\u202e", "url": "{server.url}/404"}}\n' \
                    f"http://{DANGEROUS}/\n{{{DANGEROUS}\n"
            for arguments in [[], ["--json"], ["-o", "-"]]:
                done = self.fetch(*arguments, "-i", "-", stdin=lines.encode())
                self.check(done)
            ids = [each["id"] for each in self.fetch("--json", "-i", "-",
                                                     stdin=lines.encode()).objects()]
            self.assertIn("\x1b[2J\u009b\u202e", ids)  # as it was, by JSON's escapes


class Scarcity(FetcherTest):
    def test_few_descriptors_are_enough(self):
        with Server() as server:
            done = self.expect(0, "succeeded: 300 of 300", "-j", "100", "--base-url", server.url + "/ok",
                               "1-300", preexec_fn=limit_descriptors)
            self.assertIn("at a time", done.err)
            done = self.fetch("-j", "30", "--base-url", server.url + "/ok", "1-300", "-o", "{id}",
                              preexec_fn=limit_descriptors)
            self.assertEqual(done.code, 0, str(done))

    def test_descriptors_that_run_out_hold_back(self):
        servers = [Server(f"127.0.0.{n}") for n in range(1, 41)]
        for each in servers:
            each.__enter__()
        urls = "\n".join(f"{each.url}/{n}" for n in range(10) for each in servers)
        done = self.fetch("-j", "40", "-i", "-", stdin=urls.encode(), preexec_fn=limit_descriptors)
        for each in servers:
            each.__exit__()
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("succeeded: 400 of 400", done.out)

    def test_memory_does_not_grow_with_the_targets(self):
        def peak(count):
            # An unusable URL takes the way of every target but for the transfer.
            with open(self.path("list"), "w", encoding="ascii") as file:
                for n in range(count):
                    file.write(f"ftp://host{n}/{n}\n")
            with open(self.path("list"), "rb") as file:
                run = subprocess.Popen([FETCHER, "-q", "-i", "-"], stdin=file, env=environment())
            most = 0
            while run.poll() is None:
                with open(f"/proc/{run.pid}/status", encoding="ascii") as file:
                    most = max([most] + [int(line.split()[1]) for line in file
                                         if line.startswith("VmHWM")])
            self.assertEqual(run.returncode, 3)
            return most
        self.assertLess(peak(100_000), peak(2_000) + 4_000)


main()
