#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""A real Prometheus scrapes the example server. Exit code 77: Prometheus is not installed."""

import asyncio
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from harness import Running, ServerTest, TICK, main

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: ferry
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """One that scrapes that port, with a folder of its own, on a free port of loopback."""

    def __init__(self, port):
        self.folder = tempfile.mkdtemp(prefix="prometheus-test.")
        configuration = pathlib.Path(self.folder, "prometheus.yml")
        configuration.write_text(CONFIGURATION.format(port=port), encoding="utf-8")
        if PROMTOOL:
            subprocess.run([PROMTOOL, "check", "config", configuration], check=True, timeout=TICK,
                           stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [PROMETHEUS, f"--config.file={configuration}", f"--storage.tsdb.path={self.folder}/data",
             "--web.listen-address=127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        late = threading.Timer(TICK, self.process.kill)
        late.start()
        log = []
        for line in self.process.stderr:  # it says which port it got
            log.append(line)
            if found := re.search(r'"?Listening on"? .*address=(127\.0\.0\.1:\d+)', line):
                self.url = f"http://{found[1]}/api/v1/"
            if "Server is ready" in line:
                break
        else:
            raise AssertionError("".join(log))
        late.cancel()
        self.rest = threading.Thread(target=self.process.stderr.read)
        self.rest.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(TICK)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.rest.join()
        self.process.stderr.close()
        shutil.rmtree(self.folder, True)

    def ask(self, what):
        with DIRECTLY.open(self.url + what, timeout=TICK) as answer:
            found = json.load(answer)
        if found["status"] != "success":
            raise AssertionError(found)
        return found["data"]

    def query(self, expression):
        """The values of the series, by their labels `pool` and `label`."""
        found = self.ask("query?query=" + urllib.parse.quote(expression))["result"]
        return {tuple(each["metric"][name] for name in ("pool", "label") if name in each["metric"]):
                float(each["value"][1]) for each in found}


class Scrape(ServerTest):
    async def until(self, found, wanted):
        """Waits until the function returns that."""
        seen = None
        end = time.monotonic() + TICK
        while time.monotonic() < end:
            seen = await asyncio.to_thread(found)
            if seen == wanted:
                return
            await asyncio.sleep(0.1)
        self.assertEqual(seen, wanted)

    async def test_what_it_has_stored_is_what_happened(self):
        with Running() as server:
            server.write("page", b"hello")
            async with server.client() as client:
                for path in ["/file/page", "/file/page", "/file/page", "/db/none", "/prime/97"]:
                    await client.get(path)
                page = (await client.get("/metrics")).body
            if PROMTOOL:
                checked = subprocess.run([PROMTOOL, "check", "metrics"], input=page, check=False,
                                         capture_output=True, timeout=TICK)
                self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))
            with Prometheus(server.port) as prometheus:
                tasks = {("files",): 3, ("database",): 1, ("primes",): 1}
                await self.until(
                    lambda: prometheus.query("ferry_pool_completed_tasks_total"), tasks)
                await self.until(lambda: prometheus.query("ferry_pool_run_time_seconds_count"), tasks)
                await self.until(
                    lambda: prometheus.query('ferry_pool_run_time_seconds_bucket{le="+Inf"}'), tasks)
                labels = prometheus.query("ferry_task_completed_total")
                self.assertEqual(sum(labels.values()), 5, labels)
                # A percentile of Prometheus is one of the pool: below a second, above nothing.
                for pool, seconds in prometheus.query(
                        "histogram_quantile(0.5, ferry_pool_run_time_seconds_bucket)").items():
                    self.assertTrue(0 < seconds < TICK, (pool, seconds))

                async with server.client() as client:  # the counters go on
                    await client.get("/file/page")
                await self.until(
                    lambda: prometheus.query('ferry_pool_completed_tasks_total{pool="files"}'),
                    {("files",): 4})
                await self.until(lambda: [(each["health"], each["lastError"])
                                          for each in prometheus.ask("targets")["activeTargets"]],
                                 [("up", "")])
                types = {name: {each["type"] for each in found}
                         for name, found in prometheus.ask("metadata").items()
                         if name.startswith("ferry_")}
                self.assertEqual(types["ferry_pool_run_time_seconds"], {"histogram"})
                self.assertEqual(types["ferry_pool_completed_tasks_total"], {"counter"})
                self.assertEqual(types["ferry_pool_running"], {"gauge"})

    async def test_it_sees_a_server_that_is_gone_and_back(self):
        with Running() as first:
            port = first.port
            with Prometheus(port) as prometheus:
                up = lambda: [each["health"] for each in prometheus.ask("targets")["activeTargets"]]
                await self.until(up, ["up"])
                first.terminate()
                self.assertEqual(first.end()[0], 0)
                await self.until(up, ["down"])
                with Running("--port", str(port)):
                    await self.until(up, ["up"])


if PROMETHEUS is None:
    print("Prometheus is not installed (package prometheus): nothing was scraped")
    sys.exit(77)
main()
