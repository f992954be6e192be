#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""A server that people use, with HTTP/2, and a proxy in between."""

import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

from harness import FetcherTest, main
from servers import RawServer, Server, TICK, made_up_ca, read_head

NGINX = """
worker_processes 1;
pid {top}/nginx.pid;
error_log {top}/error.log;
daemon off;
events {{ worker_connections 1024; }}
http {{
    log_format connections "$connection $server_protocol";
    access_log {top}/access.log connections;
    client_body_temp_path {top}/body; proxy_temp_path {top}/proxy; fastcgi_temp_path {top}/f;
    uwsgi_temp_path {top}/u; scgi_temp_path {top}/s;
    ssl_certificate {top}/server.pem; ssl_certificate_key {top}/server.key;
    gzip on; gzip_min_length 1; gzip_types text/plain;
    types {{ text/plain txt; }}
    server {{ listen 127.0.0.1:{plain}; root {top}/www; limit_rate_after 1m; }}
    server {{ listen 127.0.0.1:{h2} ssl http2; root {top}/www; }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(shutil.which("nginx") or os.path.exists("/usr/sbin/nginx"),
                     "nginx is not installed (package nginx-light)")
class Nginx(FetcherTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.ca, _ = made_up_ca(self.directory)
        os.mkdir(self.path("www"))
        for n in range(1, 101):
            self.write(f"www/{n}.txt", f"body {n} " * 100)
        with open(self.path("www", "large"), "wb") as file:
            file.write(bytes(range(256)) * (20 << 12))
        plain, h2 = free_port(), free_port()
        self.plain, self.h2 = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{h2}"
        self.write("nginx.conf", NGINX.format(top=self.directory, plain=plain, h2=h2))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.nginx = subprocess.Popen([program, "-c", self.path("nginx.conf"), "-p", self.directory],
                                      stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        deadline = time.monotonic() + TICK
        while True:
            try:
                socket.create_connection(("127.0.0.1", h2)).close()
                return
            except OSError:
                self.assertIsNone(self.nginx.poll(), "nginx does not start")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()

    def requests(self):
        """The connection and the protocol of each request. nginx writes its log when it ends."""
        self.stop()
        return [line.split() for line in self.read("access.log").decode().splitlines()]

    def test_many_share_the_connections(self):
        self.expect(0, "succeeded: 100 of 100", "-j", "8", "-o", "out/{id}", "--base-url",
                    self.plain + "/{}.txt", "1-100")
        for n in [1, 50, 100]:
            self.assertEqual(self.read("out", str(n)), self.read("www", f"{n}.txt"))
        requests = self.requests()
        self.assertEqual(len(requests), 100)
        self.assertLess(len({connection for connection, _ in requests}), 50)

    def test_http_2_needs_one_connection(self):
        done = self.fetch("--json", "-j", "20", "--cacert", self.ca, "--base-url",
                          self.h2 + "/{}.txt", "1-100")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual({each["http"] for each in done.objects()}, {"2"})
        requests = self.requests()
        self.assertEqual({protocol for _, protocol in requests}, {"HTTP/2.0"})
        self.assertEqual(len({connection for connection, _ in requests}), 1)

    def test_http_1_1_if_asked_for(self):
        done = self.fetch("--json", "--http1.1", "--cacert", self.ca, self.h2 + "/1.txt")
        self.assertEqual([each["http"] for each in done.objects()], ["1.1"])

    def test_packed_and_large_bodies(self):
        self.expect(0, "succeeded: 2 of 2", "--compressed", "-o", "out/{name}", "--cacert", self.ca,
                    self.h2 + "/large", self.plain + "/7.txt")
        self.assertEqual(self.read("out", "large"), self.read("www", "large"))
        self.assertEqual(self.read("out", "7.txt"), self.read("www", "7.txt"))

    def test_what_has_not_changed(self):
        arguments = ["--journal", "journal", "--if-changed", "-o", "out/{name}", self.plain + "/1.txt"]
        self.expect(0, "-> out/1.txt", *arguments)
        self.expect(0, "1 not modified", *arguments)
        self.write("www/1.txt", "another")
        self.expect(0, "-> out/1.txt", *arguments)
        self.assertEqual(self.read("out", "1.txt"), b"another")


class Proxy(FetcherTest):
    """A proxy of a few lines: for http it answers itself, for https it connects."""

    def setUp(self):
        super().setUp()
        self.heads = []
        proxy = RawServer(self.serve)
        proxy.__enter__()
        self.addCleanup(proxy.__exit__)
        self.proxy = proxy.url

    def serve(self, connection):
        head = read_head(connection).decode()
        self.heads.append(head)
        if not head.startswith("CONNECT"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nby proxy\n")
            return
        host, port = head.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as other:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(other, connection), daemon=True)
            back.start()
            self.copy(connection, other)
            back.join()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def test_http_goes_to_it(self):
        done = self.fetch("-o", "-", "--proxy", self.proxy, "http://nowhere.invalid/page")
        self.assertEqual((done.code, done.out), (0, "by proxy\n"), str(done))
        self.assertTrue(self.heads[0].startswith("GET http://nowhere.invalid/page HTTP/1.1"))

    def test_https_goes_through_it(self):
        ca, context = made_up_ca(self.directory)
        with Server(tls=context) as server:
            self.expect(0, "succeeded: 3 of 3", "--proxy", self.proxy, "--cacert", ca,
                        "--base-url", server.url + "/ok", "1-3")
            self.assertEqual(len(server.requests), 3)
        self.assertTrue(all(head.startswith("CONNECT 127.0.0.1:") for head in self.heads))

    def test_the_environment_names_it_and_exceptions(self):
        with Server() as server:
            self.expect(0, "by proxy", "http://nowhere.invalid/", env={"http_proxy": self.proxy})
            self.expect(0, r"\{\"path\"", server.url + "/a",
                        env={"http_proxy": self.proxy, "no_proxy": "127.0.0.1"})
            self.expect(0, r"\{\"path\"", "--noproxy", "*", server.url + "/a",
                        env={"http_proxy": self.proxy})

    def test_one_that_is_not_there_is_a_failure_to_connect(self):
        self.expect(3, "connect 1", "--retries", "0", "--proxy", "http://127.0.0.1:1",
                    "http://nowhere.invalid/")

    def test_its_password_is_shown_to_it_and_to_nobody_else(self):
        done = self.fetch("--json", "--proxy", self.proxy.replace("//", "//me:secret@"),
                          "http://nowhere.invalid/")
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("Proxy-Authorization: Basic bWU6c2VjcmV0", self.heads[0])
        self.assertNotIn("secret", done.out + done.err)


main()
