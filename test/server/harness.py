# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs the example server and talks to it. Each test file is a program: `FILE.py PATH-TO-SERVER`."""

import asyncio
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

SERVER = os.path.abspath(sys.argv.pop(1))
TICK = 120  # seconds after which a test that waits for something has failed


class Answer:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:100]}"


class Client:
    """One connection."""

    def __init__(self, port):
        self.port = port

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass

    async def send(self, method, path, body=b""):
        head = f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def receive(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), fields, body)

    async def get(self, path):
        await self.send("GET", path)
        return await self.receive()


class Running:
    """A server with a directory and a database of its own."""

    def __init__(self, *arguments):
        self.directory = tempfile.mkdtemp(prefix="server-test.")
        self.database = os.path.join(self.directory, ".database")
        self.process = subprocess.Popen(
            [SERVER, "--directory", self.directory, "--database", self.database, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise AssertionError(self.process.communicate(timeout=TICK)[1])
        self.port = int(self.url.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        shutil.rmtree(self.directory, True)

    def write(self, name, content):
        pathlib.Path(self.directory, name).write_bytes(content)

    def locked_database(self):
        """Keeps every `/db` waiting until it is rolled back."""
        lock = sqlite3.connect(self.database, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        return lock

    def client(self):
        return Client(self.port)

    def memory(self):
        """Resident bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def workers(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return [int(p) for t in tasks.iterdir() for p in (t / "children").read_text("ascii").split()]

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def wait_until_draining(self):
        """Nobody is accepted any more."""
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) != 0:
                    return
            await asyncio.sleep(0.01)

    def end(self):
        """The exit code and what it printed."""
        out, err = self.process.communicate(timeout=TICK)
        return self.process.returncode, out, err


class ServerTest(unittest.IsolatedAsyncioTestCase):
    maxDiff = None

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # it tells of each task that was slow

    def check_refusal(self, answer):
        self.assertEqual(answer.status, 503, answer)
        self.assertGreaterEqual(int(answer.fields["retry-after"]), 1, answer)


def main():
    signal.alarm(280)
    unittest.main()
