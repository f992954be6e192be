#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What cannot succeed: options are refused before anything is fetched, and failures that no retry
would change are not tried again."""

import os
import subprocess

from harness import FetcherTest, main
from servers import RawServer, Server, made_up_ca, read_head


def answering(status):
    """A server that says no to whatever it is asked."""
    def serve(connection):
        if read_head(connection):
            connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
    return RawServer(serve)


class Options(FetcherTest):
    def refused(self, rows):
        with Server() as server:
            for texts, arguments in rows:
                for text in texts:
                    with self.subTest(text=text, arguments=arguments):
                        self.refuses(text, *arguments, server.url + "/ok")
            self.assertEqual(server.requests, [])

    def test_a_proxy_that_none_can_be(self):
        self.refused([
            (["--proxy", "'nonsense'", "socks5h"], ["-x", "nonsense://there"]),
            (["--proxy", "'ftp'"], ["-x", "ftp://there"]),
            (["--proxy", "'socks9'"], ["-x", "socks9://there:1080"]),
            (["--proxy", "SCHEME://"], ["-x", "http://there:99999"]),
            (["--proxy", "port 0"], ["-x", "there:0"]),
            (["--proxy", "SCHEME://"], ["-x", "http://"]),
            (["--proxy", "SCHEME://"], ["-x", "http://[::1"]),
            (["--proxy", "two dots"], ["-x", "http://a..b:80"]),
            (["--proxy", "63"], ["-x", "a" * 64 + ".test"]),
            (["--proxy", "control"], ["-x", "http://there\n"]),
        ])

    def test_addresses_of_hosts(self):
        self.refused([(["--resolve", "HOST:PORT:ADDRESS"], ["--resolve", value]) for value in [
            "a:x:127.0.0.1", "a:0:127.0.0.1", "a:65536:127.0.0.1", "a:80:nowhere", "a:80:",
            "a:80:127.0.0.1,", "a:80:[::1", ":80:127.0.0.1", "a::127.0.0.1"]])

    def test_texts_that_would_become_other_headers(self):
        self.refused([(["--referer", "control"], ["-e", "a\nX: 1"]),
                      (["--cookie", "control"], ["-b", "a\r\nX: 1"]),
                      (["--cookie", "control"], ["-b", "@" + self.write("cookie", "a\nX: 1\n")])])

    def test_certificates_and_keys(self):
        made_up_ca(self.directory)
        text, cert, key = self.write("text", "hello"), self.path("server.pem"), self.path("server.key")
        self.refused([
            (["--cacert", "PEM"], ["--cacert", text]), (["--cacert", "PEM"], ["--cacert", key]),
            (["--cacert", "directory"], ["--cacert", "/"]),
            (["--cert", "PEM"], ["-E", text, "--key", key]),
            (["--key", "PEM"], ["-E", cert, "--key", cert]),
            (["--key", "--cert"], ["--key", key]), (["--cert", "--key"], ["--cert", cert]),
            (["--netrc-file", "directory"], ["--netrc-file", "/"]),
        ])

    def test_what_excludes_each_other(self):
        self.refused([(["--ipv4", "--ipv6"], ["-4", "-6"]),
                      (["--http1.1", "--http2"], ["--http1.1", "--http2"]),
                      (["--head", "--request"], ["-I", "-X", "POST"])])

    def test_a_body_that_is_to_be_json(self):
        self.refused([(["--json-body"], ["--json-body", text]) for text in ["", " ", "{a", "[1"]])

    def test_what_is_too_long_for_libcurl(self):
        self.refused([(["--cookie", "libcurl"], ["-b", "@" + self.write("long", "a" * 9_000_000)])])

    def test_places_that_cannot_be_written_to(self):
        self.write("file", "")
        os.mkdir(self.path("directory"))
        self.refused([
            (["--output", "Not a directory"], ["-o", "file/{n}"]),
            (["--output", "Not a directory"], ["-o", "file/deeper/{n}"]),
            (["--output", "Is a directory"], ["-o", "directory"]),
            (["--metrics"], ["--metrics", "directory"]),
            (["--metrics"], ["--metrics", "file/m"]),
        ])
        self.assertEqual(sorted(os.listdir(self.directory)), ["directory", "file"])

    def test_what_is_unusual_and_right_is_taken(self):
        with Server() as server:
            host, _, port = server.url.removeprefix("http://").partition(":")
            for arguments in [["-x", server.url], ["-x", host + ":" + port], ["-x", "me:pw@" + host + ":" + port],
                              ["--resolve", f"+a.test:{port}:[::1],127.0.0.1"], ["--resolve", "-a.test:80"],
                              ["--json-body", "[1]"], ["-I", "-X", "HEAD"], ["--http2", "--http2"]]:
                with self.subTest(arguments=arguments):
                    self.expect(0, "succeeded: 1 of 1", *arguments, server.url + "/ok")

    def test_a_netrc_file_needs_no_other_option(self):
        name = self.write("netrc", "machine 127.0.0.1 login me password secret\n")
        with Server() as server:
            self.expect(0, "", "--netrc-file", name, server.url + "/head")
            self.assertIn("Authorization", server.heads["/head"])

    def test_a_key_with_a_password(self):
        ca, context = made_up_ca(self.directory)
        subprocess.run(["openssl", "pkey", "-in", "server.key", "-aes256", "-passout", "pass:word",
                        "-out", "locked.key"], cwd=self.directory, check=True, capture_output=True)
        context.load_verify_locations(ca)
        context.verify_mode = __import__("ssl").CERT_REQUIRED
        own = ["--cacert", ca, "--cert", self.path("server.pem"), "--key", self.path("locked.key")]
        with Server(tls=context) as server:
            self.expect(0, "succeeded: 1 of 1", *own, "--pass", "@" + self.write("word", "word\n"), server.url)
            for more in [[], ["--pass", "other"]]:
                self.expect(3, r"1 attempt .*tls 1", *own, *more, server.url)


class Failures(FetcherTest):
    def attempts(self, *arguments, **options):
        done = self.fetch("--json", "--backoff", "0.001", *arguments, **options)
        one, = done.objects()
        return len(one["attempts"]), one["failure"], one.get("error", "")

    def test_names_that_no_address_is_found_for(self):
        for host in ["a..b", "..", "a" * 64 + ".test", ".".join(["abc"] * 64)]:
            with self.subTest(host=host):
                self.assertEqual(self.attempts(f"http://{host}/")[:2], (0, "url"))

    def test_an_address_of_the_other_family(self):
        with Server() as server:
            self.assertEqual(self.attempts("-6", server.url)[:2], (1, "url"))
        self.assertEqual(self.attempts("-4", "http://[::1]:1/")[:2], (1, "url"))

    def test_what_a_proxy_says_is_as_final_as_what_a_server_says(self):
        for status, count in [(407, 1), (403, 1), (503, 3), (429, 3)]:
            with self.subTest(status=status), answering(status) as proxy:
                count_seen, failure, error = self.attempts("-x", proxy.url, "https://there.test/")
                self.assertEqual((count_seen, failure), (count, "status"))
                self.assertIn(f"proxy answered HTTP {status}", error)

    def test_a_socks_proxy_that_wants_another_login(self):
        def serve(connection):
            if connection.recv(64):
                connection.sendall(b"\x05\xff")
        with RawServer(serve) as proxy:
            count, failure, error = self.attempts("-x", proxy.url.replace("http:", "socks5h:"), "http://a.test/")
            self.assertEqual((count, failure), (1, "other"), error)
            self.assertIn("proxy", error)

    def test_a_proxy_of_the_environment(self):
        for value in ["nonsense://me:hidden@there", "http://there:99999"]:
            with self.subTest(value=value):
                count, failure, error = self.attempts("http://a.test/", env={"http_proxy": value})
                self.assertEqual((count, failure), (1, "other"))
                self.assertIn("environment", error)
                self.assertNotIn("hidden", error)


main()
