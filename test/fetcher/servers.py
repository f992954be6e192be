# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Servers for the tests of the fetcher: threads of the test, on free ports of loopback."""

import collections
import datetime
import email.utils
import gzip
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time

TICK = 120  # seconds after which a test that waits for something has failed


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the first part of the path; see `answer_for`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        parts = self.path.split("?")[0].split("/")
        kind = parts[1]
        server = self.server
        with server.lock:
            server.requests.append((time.monotonic(), self.command, self.path))
            server.heads[self.path] = dict(self.headers)
            server.bodies[self.path] = self.body
            server.of_path[self.path] += 1
            seen = server.of_path[self.path]
            server.present[kind] += 1
            server.most[kind] = max(server.most[kind], server.present[kind])
            server.changed.notify_all()
        try:
            self.answer_for(kind, parts, seen)
        finally:
            with server.lock:
                server.present[kind] -= 1

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any

    def answer_for(self, kind, parts, seen):
        server = self.server
        if len(kind) == 3 and kind.isdigit():  # that status, always
            self.answer(int(kind), b'{"error": "no %s"}' % kind.encode())
        elif kind == "flaky":  # /flaky/STATUS/TIMES/...: that often, then 200
            if seen <= int(parts[3]):
                self.answer(int(parts[2]))
            else:
                self.answer(200, b'{"fine": 1}')
        elif kind == "after":  # /after/STATUS/SECONDS|date/...: once with Retry-After
            if seen == 1:
                wait = parts[3]
                if wait == "date":
                    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
                    wait = email.utils.format_datetime(at, usegmt=True)
                self.answer(int(parts[2]), headers={"Retry-After": wait})
            else:
                self.answer(200, b"{}")
        elif kind == "dropped":  # hangs up once
            if seen == 1:
                self.close_connection = True
            else:
                self.answer(200, b"{}")
        elif kind == "silent":  # until the client hangs up
            self.rfile.read(1)
            self.close_connection = True
        elif kind == "gate":  # until the test opens it
            server.gate.wait(TICK)
            self.answer(200, b"{}")
        elif kind == "text":
            self.answer(200, b"hello\nworld")
        elif kind == "raw":  # what the test put there
            self.answer(200, server.raw[parts[2]])
        elif kind == "empty":
            self.answer(204)
        elif kind == "redirect":  # /redirect/N/rest
            to = parts[3:] if parts[2] == "1" else ["redirect", str(int(parts[2]) - 1)] + parts[3:]
            self.answer(302, b"moved", {"Location": "/" + "/".join(to)})
        elif kind == "loop":
            self.answer(302, headers={"Location": self.path})
        elif kind == "bomb":  # a gigabyte of zeros in a megabyte
            self.answer(200, server.bomb(), {"Content-Encoding": "gzip"})
        elif kind == "gzip":
            self.answer(200, gzip.compress(b'{"packed": true}'), {"Content-Encoding": "gzip"})
        elif kind == "big":  # /big/BYTES
            self.answer(200, b"x" * int(parts[2]))
        elif kind == "head":
            self.answer(200, json.dumps(dict(self.headers)).encode())
        elif kind == "versioned":  # the server's version, unless the client has it already
            tag = f'"version {server.version}"'
            if self.headers.get("If-None-Match") == tag:
                self.answer(304, headers={"ETag": tag})
            else:
                self.answer(200, f"version {server.version}".encode(),
                            {"ETag": tag, "Last-Modified": "Sat, 28 Nov 2026 10:00:00 GMT"})
        elif kind == "dated":  # the same with dates alone
            if self.headers.get("If-Modified-Since") == server.date:
                self.answer(304)
            else:
                self.answer(200, server.date.encode(), {"Last-Modified": server.date})
        elif kind == "echo":
            self.answer(200, json.dumps({"method": self.command,
                                         "body": self.body.decode("latin-1")}).encode())
        else:
            self.answer(200, json.dumps({"path": self.path}).encode())

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server in threads of this process; `with Server() as server`."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address="127.0.0.1", tls=None):
        super().__init__((address, 0), Handler)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.gate = threading.Event()
        self.connections = 0
        self.requests = []
        self.heads = {}
        self.bodies = {}
        self.raw = {}
        self.version = 1
        self.date = "Sat, 28 Nov 2026 10:00:00 GMT"
        self.of_path = collections.Counter()
        self.present = collections.Counter()
        self.most = collections.Counter()
        self.packed = None
        self.tls = tls
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{address}:{self.server_port}"

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            # The handshake belongs to the connection's own thread.
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        return connection, address

    def bomb(self):
        with self.lock:
            if self.packed is None:
                self.packed = gzip.compress(bytes(1 << 30), 1)
            return self.packed

    def wait_for(self, condition):
        """Until the condition holds, which requests change."""
        with self.lock:
            assert self.changed.wait_for(condition, TICK), "the requests did not come"

    def handle_error(self, *_):
        pass  # clients that hang up are part of the tests

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.shutdown()
        self.server_close()


class RawServer:
    """A server whose connections are handled by a function `serve(socket)`: for answers that no HTTP
    library would give."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass  # the client hung up


def read_head(connection):
    """What comes until the empty line; empty when the client hangs up before."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return b""
        head += more
    return head


def made_up_ca(directory):
    """A certificate authority and a server's certificate by it, for localhost and 127.0.0.1."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Made-up CA")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(directory, "names"), "w", encoding="ascii") as names:
        addresses = ",".join(f"IP:127.0.0.{n}" for n in range(1, 21))
        names.write(f"subjectAltName=DNS:localhost,{addresses}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "server.pem"),
                            os.path.join(directory, "server.key"))
    return os.path.join(directory, "ca.pem"), context
