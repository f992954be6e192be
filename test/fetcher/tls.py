#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Connections by TLS, with a certificate authority that was made up for the test."""

from harness import FetcherTest, main
from servers import Server, made_up_ca


class Tls(FetcherTest):
    def setUp(self):
        super().setUp()
        self.ca, self.context = made_up_ca(self.directory)

    def test_only_a_server_that_is_trusted_is_asked(self):
        with Server(tls=self.context) as server:
            self.expect(3, "tls 1.*certificate", "--retries", "0", server.url)
            self.assertEqual(server.requests, [])
            self.expect(0, "succeeded: 3 of 3", "--cacert", self.ca, "--base-url", server.url + "/ok", "1-3")
            self.expect(0, "succeeded: 1 of 1", "-k", server.url)
            wrong = server.url.replace("127.0.0.1", "127.0.0.99")
            self.expect(3, "succeeded: 0 of 1", "--cacert", self.ca, "--retries", "0", wrong)
            self.refuses("--cacert", "--cacert", self.write("none.pem", ""), server.url)

    def test_a_client_shows_its_certificate(self):
        self.context.load_verify_locations(self.ca)
        self.context.verify_mode = __import__("ssl").CERT_REQUIRED
        own = ["--cert", self.path("server.pem"), "--key", self.path("server.key")]
        with Server(tls=self.context) as server:
            self.expect(0, "succeeded: 1 of 1", "--cacert", self.ca, *own, server.url)
            self.expect(3, "succeeded: 0 of 1", "--cacert", self.ca, "--retries", "0", server.url)

    def test_connections_are_few(self):
        with Server(tls=self.context) as one, Server("127.0.0.2", tls=self.context) as other:
            urls = [f"{each.url}/{n}" for n in range(50) for each in (one, other)]
            self.expect(0, "succeeded: 100 of 100", "--cacert", self.ca, "-j", "4", *urls)
            self.assertLessEqual(one.connections + other.connections, 8)


main()
