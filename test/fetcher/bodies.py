#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What becomes of bodies: files, standard output, checks, limits, the journal."""

import gzip
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess

from harness import FETCHER, FetcherTest, environment, main
from servers import Server


class Files(FetcherTest):
    def test_each_body_is_in_a_file_of_its_own(self):
        with Server() as server:
            self.expect(0, r"\[3/3\] .* -> deep/er/\d\.json \(\d+ B\)", "--base-url",
                        server.url + "/x", "1-3", "-o", "deep/er/{id}.json")
            done = self.fetch("--json", "--base-url", server.url + "/x", "4", "-o",
                                    "deep/er/{id}.json")
            self.assertEqual([each["output"] for each in done.objects()], ["deep/er/4.json"])
            os.unlink(self.path("deep", "er", "4.json"))
            self.assertEqual(json.loads(self.read("deep", "er", "2.json")), {"path": "/x/2"})
            self.assertEqual(sorted(os.listdir(self.path("deep", "er"))),
                             ["1.json", "2.json", "3.json"])
            host = server.url.removeprefix("http://")
            self.expect(0, "", server.url + "/a/b.txt?q=1", "-o", "{host}/{n}-{name}")
            self.assertTrue(self.read(host, "1-b.txt"))

    def test_what_a_server_or_a_list_says_does_not_lead_out_of_the_directory(self):
        with Server() as server:
            os.mkdir(self.path("in"))
            os.mkdir(self.path("out"))
            os.symlink("../out", self.path("in", "link"))
            lines = [{"id": "../../up", "url": server.url}, {"id": "..", "url": server.url},
                     {"id": "a/b\\c\nd", "url": server.url},
                     {"id": "l", "url": server.url, "output": "link/x"},
                     {"id": "u", "url": server.url, "output": "../x"},
                     {"id": "r", "url": server.url, "output": "/tmp/x"},
                     {"id": "e", "url": server.url, "output": "end/"},
                     {"id": "own", "url": server.url, "output": "sub/{id}.own"}]
            self.fetch("-i", "-", "-o", "in/{id}",
                       stdin="\n".join(map(json.dumps, lines)).encode())
            found = sorted(os.path.relpath(os.path.join(top, name), self.directory)
                           for top, _, names in os.walk(self.directory) for name in names)
            self.assertEqual(found, ["in/.._.._up", "in/_..", "in/a_b_c_d", "in/sub/own.own"])

    def test_a_failure_leaves_no_file_and_the_old_one(self):
        with Server() as server:
            self.write("404", "old")
            self.expect(3, "", server.url + "/404", "-o", "{name}")
            self.expect(3, "", server.url + "/big/5000000", "-o", "{name}", "--max-body", "4M")
            self.assertEqual(os.listdir(self.directory), ["404"])
            self.assertEqual(self.read("404"), b"old")

    def test_what_is_there_is_done(self):
        with Server() as server:
            self.write("1", "old")
            self.expect(0, r"succeeded: 3 of 3 \(1 done before\)", "--base-url", server.url + "/ok", "1-3",
                        "-o", "{id}", "--skip-existing")
            self.assertEqual(self.read("1"), b"old")
            self.assertEqual(len(server.requests), 2)

    def test_a_large_body_is_whole_and_costs_little_memory(self):
        with Server() as server:
            self.expect(0, "300.0 MB|300 MB", server.url + "/big/300000000", "-o", "{name}",
                        preexec_fn=limit_memory)
            self.assertEqual(os.path.getsize(self.path("300000000")), 300_000_000)

    def test_bodies_beyond_the_budget_wait_in_files(self):
        with Server() as server:
            done = self.fetch("--max-in-flight", "10k", "-o", "-", "--base-url",
                              server.url + "/big/30000", "1-20")
            self.assertEqual(done.code, 0, str(done))
            self.assertEqual(done.raw, b"\n".join([b"x" * 30000] * 20))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))


class StandardOutput(FetcherTest):
    def test_one_body_is_as_it_was_sent_and_several_have_lines(self):
        with Server() as server:
            server.raw["bytes"] = bytes(range(256))
            self.assertEqual(self.fetch("-o", "-", server.url + "/raw/bytes").raw, bytes(range(256)))
            done = self.fetch("-o", "-", server.url + "/text", server.url + "/text")
            self.assertEqual(done.out, "hello\nworld\nhello\nworld")
            self.assertIn("succeeded: 2 of 2", done.err)
            done = self.fetch("-o", "-", "--progress", "none", server.url + "/404")
            self.assertEqual((done.code, done.out), (3, ""))
            self.assertIn("HTTP 404", done.err)

    def test_objects_tell_all_of_it(self):
        with Server() as server:
            done = self.fetch("--json", "--base-url", server.url + "/x", "1-3")
            self.assertEqual(done.code, 0, str(done))
            one = min(done.objects(), key=lambda each: each["id"])
            self.assertEqual(one["url"], server.url + "/x/1")
            self.assertEqual((one["status"], one["ok"], one["method"]), (200, True, "GET"))
            self.assertEqual(one["bytes"], len('{"path": "/x/1"}'))
            self.assertEqual(set(one["us"]),
                             {"queue", "dns", "connect", "tls", "wait", "read", "total"})
            self.assertLessEqual(sum(one["us"][name] for name in
                                     ["dns", "connect", "tls", "wait", "read"]),
                                 one["us"]["total"])

    def test_quiet_is_quiet(self):
        with Server() as server:
            done = self.fetch("-q", server.url + "/404")
            self.assertEqual((done.code, done.out, done.err), (3, "", ""))

    def test_output_that_cannot_be_written_is_an_error(self):
        with Server() as server:
            for arguments in [[], ["--json"], ["-o", "-"]]:
                with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                    done = subprocess.run([FETCHER, *arguments, server.url + "/ok"], stdout=full,
                                          stderr=subprocess.PIPE, env=environment(), timeout=240,
                                          check=False)
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn(b"No space left", done.stderr)
                with self.subTest(arguments=arguments, closed=True):
                    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", FETCHER, *arguments,
                                           "--base-url", server.url + "/ok", "1-100"], timeout=240,
                                          stderr=subprocess.PIPE, env=environment(), check=False)
                    self.assertEqual(done.returncode, 4, done.stderr)
            for arguments in [["--help"], ["--version"]]:
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([FETCHER, *arguments], stdout=full, timeout=240, check=False)
                    self.assertEqual(done.returncode, 4)

    def test_a_reader_that_goes_away_ends_the_run(self):
        with Server() as server:
            run = subprocess.Popen([FETCHER, "--base-url", server.url + "/ok", "1-1000000"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
            run.stdout.readline()
            run.stdout.close()
            self.assertIn(b"Broken pipe", run.stderr.read())
            self.assertEqual(run.wait(60), 4)

    def test_a_file_that_cannot_be_written_is_an_error(self):
        with Server() as server:
            os.mkdir(self.path("taken"))
            done = self.fetch("--base-url", server.url + "/ok", "taken", "free", "-o", "{id}")
            self.assertEqual(done.code, 4, str(done))
            self.assertIn("output 1", done.out)
            self.assertTrue(self.read("free"))
            self.assertEqual(sorted(os.listdir(self.directory)), ["free", "taken"])
            self.assertEqual(self.fetch(server.url, "-o", "/proc/none/{n}").code, 4)
            self.refuses("--metrics", server.url, "--metrics", "/proc/none")

    def test_a_file_for_one_target_is_not_that_of_the_next(self):
        with Server() as server:
            urls = "".join(f"{server.url}/ok/{n}\n" for n in range(1, 4))
            done = self.fetch("-j", "1", "-i", "-", "-o", "one", stdin=urls.encode())
            self.assertEqual(done.code, 1, str(done))
            self.assertIn("succeeded: 1 of 3", done.out)
            self.assertEqual(json.loads(self.read("one")), {"path": "/ok/1"})
            self.assertEqual(len(server.requests), 1)

    def test_a_device_stays_one(self):
        ours, its = os.openpty()
        name = os.ttyname(its)
        os.symlink(name, self.path("link"))
        with Server() as server:
            self.expect(0, "succeeded: 2 of 2", server.url + "/text", server.url + "/text", "-o", name)
            self.assertIn(b"hello", os.read(ours, 1000))
            self.assertEqual(os.ttyname(its), name)
            self.assertEqual(self.fetch(server.url, "-o", "link").code, 4)
            self.assertTrue(os.path.islink(self.path("link")))
            os.mkfifo(self.path("pipe"))
            self.assertEqual(self.fetch(server.url, "-o", "pipe").code, 4)
        os.close(ours)
        os.close(its)


class Checks(FetcherTest):
    def test_what_is_a_success(self):
        with Server() as server:
            server.raw.update({
                "bom": b"\xef\xbb\xbf{}", "lines": b'{"a": 1}\n{"b": [2, 3]}\n', "number": b"12",
                "half": b'{"a": ', "two": b"1 2", "bad": b"{'a': 1}", "latin": b'"\xe4"', "none": b"",
                "deep": b"[" * 300 + b"]" * 300, "deeper": b"[" * 100_000})
            for check, path, code in [
                    ("status", "/text", 0), ("status", "/empty", 0), ("status", "/404", 3),
                    ("none", "/404", 0), ("none", "/500", 0), ("json", "/ok", 0),
                    ("json", "/text", 3), ("json", "/empty", 0), ("json", "/raw/none", 0),
                    ("json", "/raw/bom", 0), ("json", "/raw/lines", 0), ("json", "/raw/number", 0),
                    ("json", "/raw/two", 0), ("json", "/raw/half", 3), ("json", "/raw/bad", 3),
                    ("json", "/raw/latin", 3), ("json", "/raw/deep", 0), ("json", "/raw/deeper", 3)]:
                with self.subTest(check=check, path=path):
                    done = self.fetch("--check", check, server.url + path)
                    self.assertEqual(done.code, code, str(done))

    def test_the_extract_is_what_the_server_sent(self):
        with Server() as server:
            server.raw["numbers"] = b'{ "a" : 1.10, "b": 12345678901234567890123, "c d": "e  \\" f" }'
            self.expect(0, r'\{"a":1.10,"b":12345678901234567890123,"c d":"e  \\" f"\}',
                        server.url + "/raw/numbers")
            self.expect(0, r"fetch_\d hello world\n", server.url + "/text")

    def test_a_bomb_costs_neither_memory_nor_more_than_the_limit(self):
        with Server() as server:
            self.expect(3, "too-large 1", "--compressed", "--max-body", "500M", "--check", "json",
                        server.url + "/bomb", preexec_fn=limit_memory)
            self.expect(3, "too-large 1", "--compressed", "--max-body", "1M", "-o", "{name}",
                        server.url + "/bomb")
            self.expect(0, r'\{"packed":true\}', "--compressed", server.url + "/gzip")
            self.expect(0, "", server.url + "/gzip", "-o", "{name}")
            self.assertEqual(gzip.decompress(self.read("gzip")), b'{"packed": true}')


class Journal(FetcherTest):
    def test_what_was_done_is_not_done_again(self):
        with Server() as server:
            arguments = ["--journal", "journal", "--retries", "0", "--base-url", server.url + "/ok", "1-3"]
            self.fetch(*arguments, server.url + "/flaky/500/1")
            done = self.fetch(*arguments, server.url + "/flaky/500/1")
            self.assertIn("succeeded: 4 of 4 (3 done before)", done.out)
            self.assertEqual(len(server.requests), 5)
            # Another request for the same URL is not the same.
            self.fetch(*arguments, "-X", "DELETE")
            self.assertEqual(len(server.requests), 8)

    def test_a_torn_last_line_costs_one_target(self):
        with Server() as server:
            arguments = ["-j", "1", "--journal", "journal", "--base-url", server.url + "/ok", "1-3"]
            self.fetch(*arguments)
            whole = self.read("journal")
            with open(self.path("journal"), "wb") as file:
                file.write(whole[:-10])
            for code in [0, 0]:
                self.assertEqual(self.fetch(*arguments).code, code)
            self.assertEqual(len(server.requests), 4)

    def test_one_that_cannot_be_written_is_an_error(self):
        with Server() as server:
            self.refuses("--journal", "--journal", "/no/such/file", server.url)
            self.refuses("--journal", "--journal", ".", server.url)


class Conditions(FetcherTest):
    def fetch_again(self, server, *more, files=("1", "2")):
        done = self.fetch("--journal", "journal", "--if-changed", "--json", "-o", "out/{id}",
                          "--base-url", server.url + "/versioned", *files, *more)
        self.assertEqual(done.code, 0, str(done))
        return sorted((each["id"], each["status"], each.get("not_modified", False))
                      for each in done.objects())

    def test_what_has_not_changed_is_not_fetched_again(self):
        with Server() as server:
            new = [("1", 200, False), ("2", 200, False)]
            old = [("1", 304, True), ("2", 304, True)]
            self.assertEqual(self.fetch_again(server), new)
            self.assertEqual(self.fetch_again(server), old)
            self.assertEqual(self.fetch_again(server), old)
            self.assertEqual(self.read("out", "1"), b"version 1")
            server.version = 2
            self.assertEqual(self.fetch_again(server), new)
            self.assertEqual(self.read("out", "1"), b"version 2")
            self.assertEqual(self.fetch_again(server), old)
            self.assertEqual(server.heads["/versioned/1"]["If-None-Match"], '"version 2"')

    def test_a_file_that_is_gone_is_fetched(self):
        with Server() as server:
            self.fetch_again(server)
            os.remove(self.path("out", "1"))
            self.assertEqual(self.fetch_again(server), [("1", 200, False), ("2", 304, True)])
            self.assertEqual(self.read("out", "1"), b"version 1")

    def test_dates_do_where_there_are_no_tags(self):
        with Server() as server:
            arguments = ["--journal", "journal", "--if-changed", server.url + "/dated"]
            self.expect(0, "succeeded: 1 of 1\n", *arguments)
            self.expect(0, r"not modified\nsucceeded: 1 of 1 \(1 not modified\)", *arguments)
            server.date = "Sat, 28 Nov 2026 11:00:00 GMT"
            self.expect(0, "succeeded: 1 of 1\n", *arguments)

    def test_a_journal_of_a_run_that_did_not_compare_will_do(self):
        with Server() as server:
            arguments = ["--journal", "journal", server.url + "/versioned"]
            self.fetch(*arguments)
            self.expect(0, "1 not modified", "--if-changed", *arguments)
            self.expect(0, "1 done before", *arguments)

    def test_what_is_not_asked_for_is_no_success(self):
        with Server() as server:
            self.expect(3, "HTTP 304", "-H", 'If-None-Match: "version 1"', server.url + "/versioned")

    def test_it_needs_a_journal(self):
        self.refuses("--journal", "--if-changed", "http://127.0.0.1:1/")


class Checksums(FetcherTest):
    def test_they_are_told(self):
        with Server() as server:
            for size in [0, 1, 1000, 3_000_000]:
                want = hashlib.sha256(b"x" * size).hexdigest()
                for output in [[], ["-o", "file"]]:
                    with self.subTest(size=size, output=output):
                        done = self.fetch("--checksum", "--json", *output, f"{server.url}/big/{size}")
                        self.assertEqual(done.objects()[0]["sha256"], want, str(done))
            self.expect(0, "sha256 " + hashlib.sha256(b"x").hexdigest(), "--checksum",
                        server.url + "/big/1")

    def test_a_body_that_is_another_is_a_failure_and_leaves_no_file(self):
        with Server() as server:
            for size in [10, 3_000_000]:
                right = hashlib.sha256(b"x" * size).hexdigest()
                url = f"{server.url}/big/{size}"
                for output in [[], ["-o", "file"], ["-o", "-"]]:
                    with self.subTest(size=size, output=output):
                        line = json.dumps({"url": url, "sha256": right.upper()}).encode()
                        self.assertEqual(self.fetch("-i", "-", *output, stdin=line).code, 0)
                        if "file" in output:
                            os.remove(self.path("file"))
                        line = json.dumps({"url": url, "sha256": "0" * 64}).encode()
                        done = self.fetch("-i", "-", *output, stdin=line)
                        self.assertEqual(done.code, 3, str(done))
                        self.assertIn("the SHA-256 is " + right, done.out + done.err)
                        self.assertEqual(os.listdir(self.directory), [])
            self.expect(3, "'sha256' is not 64", "-i", "-",
                        stdin=json.dumps({"url": server.url, "sha256": "12"}).encode())


class Metrics(FetcherTest):
    def test_each_line_is_one_that_prometheus_reads(self):
        """Each metric has one HELP, one TYPE, and then its samples, as the format demands."""
        with Server() as server:
            self.fetch("--metrics", "m.prom", "--base-url", server.url + "/ok", "1-3", server.url + "/404")
            kinds, helped, seen = {}, set(), set()
            current = None
            for line in self.read("m.prom").decode().splitlines():
                if match := re.fullmatch(r"# HELP (\w+) \S.*", line):
                    current = match[1]
                    self.assertNotIn(current, helped)
                    helped.add(current)
                elif match := re.fullmatch(r"# TYPE (\w+) (counter|gauge|summary)", line):
                    self.assertEqual(match[1], current)
                    kinds[current] = match[2]
                else:
                    match = re.fullmatch(r'(\w+)((?:\{\w+="[^"\\\n]*"\})?) (\d+(?:\.\d+)?)', line)
                    self.assertTrue(match, line)
                    ends = ["", "_sum", "_count"] if kinds[current] == "summary" else [""]
                    self.assertIn(match[1], [current + end for end in ends])
                    self.assertNotIn(match[1] + match[2], seen)
                    seen.add(match[1] + match[2])
                    if kinds[current] == "counter":
                        self.assertTrue(current.endswith("_total"), current)
            self.assertEqual(set(kinds), helped)
            if shutil.which("promtool"):
                subprocess.run(["promtool", "check", "metrics"], input=self.read("m.prom"), check=True)

    def test_they_are_in_the_format_of_prometheus(self):
        with Server() as server:
            self.fetch("--metrics", "m.prom", "--base-url", server.url + "/ok", "1-3", server.url + "/404")
            text = self.read("m.prom").decode()
            for line in ["fetcher_targets_succeeded_total 3", "fetcher_requests_total 4",
                         'fetcher_targets_failed_total{failure="status"} 1',
                         "fetcher_transfer_seconds_count 4"]:
                self.assertIn(line + "\n", text)


main()
