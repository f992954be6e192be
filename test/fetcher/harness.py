# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Runs the fetcher from outside. Each test file is a program: `FILE.py PATH-TO-FETCHER [unittest's]`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from servers import TICK

FETCHER = os.path.abspath(sys.argv.pop(1))


def environment(**more):
    result = {name: value for name, value in os.environ.items()
              if "proxy" not in name.lower() and not name.startswith("FETCHER_")}
    result.update(more)
    return result


class Outcome:
    """How a run ended."""

    def __init__(self, code, out, err):
        self.code = code
        self.raw = out
        self.out = out.decode("utf-8", "surrogateescape")
        self.err = err.decode("utf-8", "surrogateescape")

    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[:4000]}\n--- stderr\n{self.err[:4000]}"


class Running:
    """A run that the test does something to."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([FETCHER, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment(), **options)
        self.err = b""
        self.told = threading.Condition()
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()

    def read_errors(self):
        for line in self.process.stderr:
            with self.told:
                self.err += line
                self.told.notify_all()

    def wait_for_error(self, text):
        with self.told:
            assert self.told.wait_for(lambda: text.encode() in self.err, TICK), self.err

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        killer = threading.Timer(TICK, self.process.kill)
        killer.start()
        out = self.process.stdout.read()
        self.process.wait()
        killer.cancel()
        self.reader.join()
        for pipe in [self.process.stdin, self.process.stdout, self.process.stderr]:
            pipe.close()
        return Outcome(self.process.returncode, out, self.err)


class FetcherTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="fetcher-test.")
        self.addCleanup(shutil.rmtree, self.directory, True)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def fetch(self, *arguments, stdin=b"", env=None, limit=240, **options):
        """Runs to the end, in a directory of the test's own."""
        done = subprocess.run([FETCHER, *map(str, arguments)], input=stdin, capture_output=True,
                              timeout=limit, env=environment(**(env or {})), cwd=self.directory,
                              check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def expect(self, code, pattern, *arguments, **options):
        done = self.fetch(*arguments, **options)
        self.assertEqual(done.code, code, str(done))
        if not re.search(pattern, done.out, re.S):
            self.fail(f"no {pattern!r} in: {done}")
        return done

    def refuses(self, text, *arguments, **options):
        """A usage error: one line on standard error that contains the text, and nothing else."""
        done = self.fetch(*arguments, **options)
        self.assertEqual(done.code, 2, str(done))
        self.assertEqual(done.out, "", str(done))
        self.assertIn(text, done.err)
        self.assertEqual(done.err.count("\n"), 1, str(done))


def main():
    signal.alarm(280)
    unittest.main()
