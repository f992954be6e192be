#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""An API server for fetcher.sh: listens on a free port of loopback, which it prints, for at most two
minutes. The first part of the path says how it answers, the second tells requests apart:

ok          200, with the User-Agent of the request
404, 503    that status
text        200, without JSON
flaky       503 twice, then 200
backoff     503 three times, then 200; tells whether the pauses were at least 0.1, 0.2 and 0.4 s
dropped     closes the connection once, then 200
late        leaves one request unanswered, then 200
silent      leaves requests unanswered
three       answers three requests of the kind, leaves the others unanswered
together    answers when there are three requests at a time; tells the most there were
seen        200, with the numbers of connections and requests so far
dies        sends half of an answer and dies
"""

import collections
import http.server
import json
import os
import signal
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    connections = 0
    requests = 0
    of_kind = collections.Counter()
    of_path = collections.Counter()
    answered_at = {}
    pauses = collections.defaultdict(list)
    three = threading.Barrier(3)
    present = 0
    most_present = 0

    def setup(self):
        super().setup()
        with self.lock:
            Handler.connections += 1

    def do_GET(self):
        kind = self.path.split("/")[1]
        with self.lock:
            Handler.requests += 1
            self.of_kind[kind] += 1
            self.of_path[self.path] += 1
            in_kind, in_path = self.of_kind[kind], self.of_path[self.path]
            if self.path in self.answered_at:
                self.pauses[self.path].append(time.monotonic() - self.answered_at[self.path])

        if kind == "dropped" and in_path == 1:
            self.close_connection = True
        elif kind == "silent" or kind == "late" and in_path == 1 or kind == "three" and in_kind > 3:
            self.rfile.read(1)  # until the client hangs up
            self.close_connection = True
        elif kind == "dies":
            self.start(200, 100)
            self.wfile.write(b'{"half": ')
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "flaky" and in_path <= 2 or kind == "backoff" and in_path <= 3:
            self.answer(503)
        elif kind.isdigit():
            self.answer(int(kind))
        elif kind == "text":
            self.answer(200, b"hello")
        else:
            self.answer(200, json.dumps(self.item(kind)).encode())

    def item(self, kind):
        if kind == "backoff":
            least = (0.1, 0.2, 0.4)
            return {"doubling": all(a >= b for a, b in zip(self.pauses[self.path], least))}
        if kind == "seen":
            return {"connections": self.connections, "requests": self.requests}
        if kind == "together":
            with self.lock:
                Handler.present += 1
                Handler.most_present = max(self.most_present, self.present)
            self.three.wait(20)
            with self.lock:
                Handler.present -= 1
            return {"most": self.most_present}
        return {"agent": self.headers["User-Agent"]}

    def start(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def answer(self, status, body=b""):
        self.answered_at[self.path] = time.monotonic()
        self.start(status, len(body))
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # clients that hang up are part of the test


signal.alarm(120)
server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
