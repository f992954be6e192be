#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What is requested: targets from arguments and lists, and the options that shape a request."""

import json
import os

from harness import FetcherTest, main
from servers import Server


class Targets(FetcherTest):
    def test_a_command_line_that_cannot_be_used_is_refused_in_one_line(self):
        with Server() as server:
            ok = server.url + "/ok"
            for text, arguments in [
                ("nothing to fetch", []),
                ("'5-1'", ["--base-url", ok, "5-1"]),
                ("--base-url", ["1-3"]),
                ("'1,,2'", ["--base-url", ok, "1,,2"]),
                ("--base-url", ["--base-url", "ftp://x", "1"]),
                ("query", ["--base-url", ok + "?a=b", "1"]),
                ("no ids", [ok + "/{}"]),
                ("--jobs", ["--jobs", "0", ok]),
                ("--jobs", ["--jobs", "10001", ok]),
                ("--timeout", ["--timeout", "nan", ok]),
                ("--timeout", [ok, "--timeout"]),
                ("--total-timeout", ["--total-timeout", "soon", ok]),
                ("--retries", ["--retries", "-1", ok]),
                ("--retry-on", ["--retry-on", "often", ok]),
                ("--retry-budget", ["--retry-budget", "x", ok]),
                ("--backoff", ["--backoff", "inf", ok]),
                ("--max-body", ["--max-body", "large", ok]),
                ("--check", ["--check", "xml", ok]),
                ("--progress", ["--progress", "loud", ok]),
                ("--output", ["-o", "{what}", ok]),
                ("--output", ["-o", "a{id}/../b", ok]),
                ("--output", ["-o", "one", ok, ok]),
                ("--skip-existing", ["--skip-existing", ok]),
                ("--json", ["--json", "-q", ok]),
                ("--output", ["--json", "-o", "-", ok]),
                ("--header", ["-H", "no header", ok]),
                ("--request", ["-X", "GE T", ok]),
                ("--user-agent", ["--user-agent", "a\nb", ok]),
                ("--data", ["-d", "@/no/such/file", ok]),
                ("--json-body", ["-d", "a", "--json-body", "{}", ok]),
                ("--head", ["-I", "-d", "a", ok]),
                ("--max-redirs", ["--max-redirs", "x", ok]),
                ("--rate", ["--rate", "nan", ok]),
                ("--resolve", ["--resolve", "host", ok]),
                ("--resolve", ["--resolve", "host:80", ok]),
                ("/no/such/list", ["-i", "/no/such/list"]),
                ("Is a directory", ["-i", "/"]),
                ("Is a directory", ["--config", "/", ok]),
                ("Is a directory", ["-d", "@/", ok]),
                ("'/no/such/ca'", ["--cacert", "/no/such/ca", ok]),
                ("'/no/such/cert'", ["--cert", "/no/such/cert", ok]),
                ("'/no/such/key'", ["--key", "/no/such/key", ok]),
                ("'/no/such/netrc'", ["--netrc-file", "/no/such/netrc", ok]),
                ("--config", ["--config", "/no/such/file", ok]),
                ("--no-such-option", ["--no-such-option", ok]),
                ("--retries", ["--demo", "--retries", "1"]),
                ("'5'", ["--demo", "5"]),
            ]:
                with self.subTest(arguments=arguments):
                    self.refuses(text, *arguments)
            self.assertEqual(server.requests, [])

    def test_each_result_has_a_line_and_the_run_a_summary(self):
        with Server() as server:
            done = self.expect(0, r"^\[1/1\] 7 200 \d+ms 1 attempt fetch_\d \{\"path\":\"/ok/7\"\}\n",
                               "--base-url", server.url + "/ok", "7")
            self.assertEqual(done.err, "")
            self.expect(0, r"\[20/20\] .*succeeded: 20 of 20\n.*average: \d+ ms.*p99.*"
                           r"connections: \d+ opened, reused \d+ times\ntotal: [\d.]+ s, 20 requests",
                        "--base-url", server.url + "/ok/", "1-20")
            self.expect(1, r"succeeded: 2 of 3\nfailed: 1 \(status 1\)\n.*HTTP 404: \{\"error\":\"no 404\"\}",
                        "--base-url", server.url + "/ok", "1-2", server.url + "/404")
            self.expect(3, "succeeded: 0 of 1", server.url + "/404")

    def test_ids_are_numbers_with_their_zeros_and_words(self):
        with Server() as server:
            self.expect(0, "succeeded: 7 of 7", "--base-url", server.url + "/x/{}?full={id}",
                        "009-011,2024-01-02", "a b/c", "18446744073709551616", "7")
            self.assertEqual(sorted(path for _, _, path in server.requests), sorted(
                f"/x/{id}?full={id}" for id in
                ["009", "010", "011", "2024-01-02", "a%20b%2Fc", "18446744073709551616", "7"]))

    def test_a_url_with_braces_is_a_template(self):
        with Server() as server:
            self.expect(0, "succeeded: 3 of 3", server.url + "/t/{}.json", "1-3")
            self.assertEqual(sorted(path for _, _, path in server.requests),
                             ["/t/1.json", "/t/2.json", "/t/3.json"])

    def test_what_curl_fetches_is_fetched(self):
        with Server() as server:
            host = server.url.removeprefix("http://")
            self.expect(0, "succeeded: 4 of 4", host + "/a", server.url + "/with blank",
                        server.url + "/a,b", server.url + "/umlaut-\u00e4#fragment")
            self.assertEqual(sorted(path.lower() for _, _, path in server.requests),
                             ["/a", "/a,b", "/umlaut-%c3%a4", "/with%20blank"])

    def test_a_url_that_cannot_be_used_is_one_failed_target(self):
        with Server() as server:
            self.expect(1, r"succeeded: 1 of 5\nfailed: 4 \(url 4\)", server.url + "/ok", "ftp://x/",
                        "http://h:99999/", "http://h:0/", "http://")
            self.assertEqual(len(server.requests), 1)

    def test_a_list_has_urls_ids_and_objects(self):
        with Server() as server:
            text = "\n".join([
                "# a comment", "", server.url + "/ok/1", "two\r",
                json.dumps({"id": 3, "url": server.url + "/echo/3", "method": "PUT",
                            "headers": {"X-Test": "yes"}, "body": "BODY"}).replace('"BODY"', '{"n": [1.10, "]}"]}'),
                json.dumps({"id": "four"}),
                json.dumps({"url": server.url + "/echo/5", "body": "plain",
                            "headers": ["X-Test: five"]}),
                "{torn", json.dumps({"url": 1}), json.dumps({"method": "GET"}),
                json.dumps({"url": server.url, "headers": {"X": "a\r\nInjected: 1"}}),
                json.dumps({"url": server.url, "method": "A B"})])
            name = self.write("list", text)
            done = self.fetch("-i", name, "--base-url", server.url + "/base", "--json")
            self.assertEqual(done.code, 1, str(done))
            got = {each["id"]: each for each in done.objects()}
            self.assertEqual(sum(each["ok"] for each in done.objects()), 5, str(done))
            self.assertEqual(sum(each.get("failure") == "url" for each in done.objects()), 5)
            self.assertTrue(got["3"]["ok"])
            self.assertEqual(got["3"]["method"], "PUT")
            self.assertEqual(server.bodies["/echo/3"], b'{"n": [1.10, "]}"]}')
            self.assertEqual(server.heads["/echo/3"]["X-Test"], "yes")
            self.assertEqual(server.heads["/echo/3"]["Content-Type"], "application/json")
            self.assertEqual(server.heads["/echo/5"]["X-Test"], "five")
            self.assertEqual(got[server.url + "/echo/5"]["method"], "POST")
            self.assertIn("/base/two", server.heads)
            self.assertIn("/base/four", server.heads)

    def test_a_list_is_read_while_it_is_written(self):
        from harness import Running
        with Server() as server:
            run = Running("-i", "-")
            for n in range(3):
                run.process.stdin.write(f"{server.url}/ok/{n}\n".encode())
                run.process.stdin.flush()
                server.wait_for(lambda: len(server.requests) == n + 1)
            run.process.stdin.close()
            done = run.finish()
            self.assertEqual(done.code, 0, str(done))
            self.assertIn("succeeded: 3 of 3", done.out)

    def test_a_last_line_needs_no_end_and_an_empty_list_no_target(self):
        with Server() as server:
            self.expect(0, "succeeded: 1 of 1", "-i", "-", stdin=(server.url + "/ok").encode())
            self.expect(0, "succeeded: 0 of 0", "-i", "-")


class Requests(FetcherTest):
    def head(self, *arguments, **options):
        """The headers of a request with these arguments."""
        with Server() as server:
            done = self.fetch(*arguments, server.url + "/head", **options)
            self.assertEqual(done.code, 0, str(done))
            return server.heads["/head"]

    def test_what_one_target_has_of_its_own_the_next_one_has_not(self):
        with Server() as server:
            me = server.url.replace("//", "//me:secret@")
            lines = [{"url": me + "/a"}, {"url": server.url + "/b"},
                     {"url": server.url + "/c", "method": "PUT", "body": "x", "headers": {"X-A": "1"}},
                     {"url": server.url + "/d"}, {"url": server.url + "/e", "method": "HEAD"},
                     {"url": server.url + "/f"}]
            done = self.fetch("-j", "1", "-i", "-", stdin="\n".join(map(json.dumps, lines)).encode())
            self.assertEqual(done.code, 0, str(done))
            self.assertIn("Authorization", server.heads["/a"])
            for path in ["/b", "/d", "/f"]:
                self.assertNotIn("Authorization", server.heads[path])
                self.assertNotIn("X-A", server.heads[path])
                self.assertEqual(server.bodies[path], b"")
            self.assertEqual([method for _, method, _ in server.requests],
                             ["GET", "GET", "PUT", "GET", "HEAD", "GET"])

    def test_the_options_for_headers(self):
        self.assertEqual(self.head()["User-Agent"], "ferry-fetcher/1.0")
        self.assertNotIn("Accept-Encoding", self.head())
        self.assertEqual(self.head("-A", "other/2")["User-Agent"], "other/2")
        self.assertEqual(self.head("-H", "X-A: 1", "-H", "X-B: 2")["X-B"], "2")
        self.assertEqual(self.head("-H", "@" + self.write("headers", "X-A: 1\r\nX-C: 3\n"))["X-C"], "3")
        self.assertNotIn("User-Agent", self.head("-H", "User-Agent:"))
        self.assertEqual(self.head("-e", "http://r/")["Referer"], "http://r/")
        self.assertEqual(self.head("-b", "a=b")["Cookie"], "a=b")
        self.assertIn("gzip", self.head("--compressed")["Accept-Encoding"])
        self.assertEqual(self.head("-u", "me:secret")["Authorization"], "Basic bWU6c2VjcmV0")
        secret = self.write("secret", "me:secret\n")
        self.assertEqual(self.head("-u", "@" + secret)["Authorization"], "Basic bWU6c2VjcmV0")

    def test_netrc(self):
        self.write(".netrc", "machine 127.0.0.1 login me password secret\n")
        os.chmod(self.path(".netrc"), 0o600)
        home = {"HOME": self.directory}
        self.assertEqual(self.head("-n", env=home)["Authorization"], "Basic bWU6c2VjcmV0")
        self.assertNotIn("Authorization", self.head(env=home))
        named = self.head("--netrc", "--netrc-file", self.path(".netrc"))
        self.assertEqual(named["Authorization"], "Basic bWU6c2VjcmV0")

    def test_methods_and_bodies(self):
        with Server() as server:
            for arguments, method, body in [
                ([], "GET", b""),
                (["-X", "DELETE"], "DELETE", b""),
                (["-X", "POST"], "POST", b""),
                (["-X", "GET", "-d", "x"], "GET", b"x"),
                (["-d", "a=1", "-d", "b=2"], "POST", b"a=1&b=2"),
                (["-X", "PATCH", "-d", "@" + self.write("body", "line\n")], "PATCH", b"line\n"),
                (["--json-body", '{"a": 1}'], "POST", b'{"a": 1}'),
                (["-I"], "HEAD", b""),
            ]:
                with self.subTest(arguments=arguments):
                    self.expect(0, "succeeded: 1 of 1", *arguments, server.url + "/echo")
                    self.assertEqual(server.requests[-1][1], method)
                    self.assertEqual(server.bodies["/echo"], body)
            self.expect(0, "", "--json-body", "{}", server.url + "/echo")
            self.assertEqual(server.heads["/echo"]["Content-Type"], "application/json")
            self.assertEqual(server.heads["/echo"]["Accept"], "application/json")

    def test_redirects_are_followed_when_asked_for(self):
        with Server() as server:
            self.expect(3, r"HTTP 302 to http://127.0.0.1:\d+/ok \(-L follows\)",
                        server.url + "/redirect/1/ok")
            done = self.fetch("-L", "--json", server.url + "/redirect/3/ok")
            self.assertEqual(done.objects()[0]["final_url"], server.url + "/ok")
            self.expect(3, "redirects 1", "-L", "--max-redirs", "2", server.url + "/redirect/3/ok")
            self.expect(3, "redirects 1", "-L", server.url + "/loop")
            self.assertEqual(server.of_path["/loop"], 11)

    def test_addresses_of_hosts_can_be_given(self):
        with Server() as server:
            port = server.server_port
            self.expect(0, "succeeded: 2 of 2", "--resolve", f"a.test:{port}:127.0.0.1",
                        "--resolve", f"b.test:{port}:127.0.0.1", "-4",
                        f"http://a.test:{port}/1", f"http://b.test:{port}/2")
            self.expect(3, "succeeded: 0 of 1", "-6", "--retries", "0", server.url)

    def test_a_proxy_is_asked(self):
        with Server() as proxy:
            self.expect(0, "succeeded: 1 of 1", "-x", proxy.url, "http://example.test/thing")
            self.assertEqual(proxy.requests[0][2], "http://example.test/thing")
            with Server() as server:
                self.expect(0, "", server.url, "-x", "", env={"http_proxy": proxy.url})
                self.expect(0, "", server.url, "-x", proxy.url, "--noproxy", "127.0.0.1")
            self.assertEqual(len(proxy.requests), 1)

    def test_versions_of_http(self):
        with Server() as server:
            done = self.fetch("--json", "--http1.1", server.url)
            self.assertEqual(done.objects()[0]["http"], "1.1")
            self.fetch("--http2", server.url + "/up")
            self.assertEqual(server.heads["/up"].get("Upgrade"), "h2c")

    def test_http2_without_asking_begins_with_its_preface(self):
        import socket
        from servers import RawServer
        got = []

        def serve(connection):
            got.append(connection.recv(24, socket.MSG_WAITALL))
        with RawServer(serve) as server:
            self.fetch("--http2-prior-knowledge", "--retries", "0", server.url)
        self.assertEqual(got[0], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


class Settings(FetcherTest):
    def test_the_command_line_comes_before_the_environment_and_that_before_the_file(self):
        config = self.write("config", "# settings\nuser-agent = from-file\n--jobs=3\ncompressed\n")
        with Server() as server:
            def agent(*arguments, **env):
                done = self.fetch(server.url, *arguments, env=env)
                self.assertEqual(done.code, 0, str(done))
                return server.heads["/"]["User-Agent"]
            self.assertEqual(agent("--config", config), "from-file")
            self.assertIn("gzip", server.heads["/"]["Accept-Encoding"])
            self.assertEqual(agent(FETCHER_CONFIG=config), "from-file")
            self.assertEqual(agent("--config", config, FETCHER_USER_AGENT="from-env"), "from-env")
            self.assertEqual(agent("--config", config, "-A", "given", FETCHER_USER_AGENT="e"), "given")
            self.refuses("line 1", "--config", self.write("bad", "a b = c\n"), server.url)
            self.refuses("--nonsense", "--config", self.write("bad", "nonsense = 1\n"), server.url)
            self.refuses("--jobs", server.url, env={"FETCHER_JOBS": "many"})

    def test_help_version_and_completions(self):
        text = self.expect(0, "Examples:.*Exit codes:", "--help").out
        self.expect(0, "^fetcher .*libcurl/", "--version")
        options = set(__import__("re").findall(r"--[a-z][a-z0-9.-]*", text)) - {"--completion"}
        for shell in ["bash", "zsh", "fish"]:
            printed = self.expect(0, ".", "--completion", shell).out
            for option in ["jobs", "http2-prior-knowledge", "json-body", "total-timeout"]:
                self.assertIn(option, printed)
        self.assertGreater(len(options), 50)
        self.refuses("--completion", "--completion", "csh")

    def test_secrets_are_masked(self):
        with Server() as server:
            url = server.url.replace("://", "://me:hidden@") + "/404?api_key=hidden&x=1&token=hidden"
            for mode in [[], ["--json"]]:
                done = self.fetch(*mode, url)
                self.assertNotIn("hidden", done.out + done.err)
                self.assertIn("api_key=***&x=1&token=***", done.out)
            location = self.fetch("-H", "Authorization: hidden", server.url + "/404")
            self.assertNotIn("hidden", location.out + location.err)


main()
