#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""The live page of the example server in a browser. With SCREENSHOTS=DIRECTORY it leaves pictures."""

import asyncio
import json
import os
import signal
import unittest

from chromium import PROGRAM, Browser
from harness import Running, ServerTest, TICK, main

SLOW = "/prime/999999999999989"  # as long as one can ask for

SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


class Events(ServerTest):
    async def events(self, client, count):
        """The first ones, and the head of the answer."""
        await client.send("GET", "/events")
        head = (await client.reader.readuntil(b"\r\n\r\n")).decode()
        found = []
        while len(found) < count:
            size = int(await client.reader.readline(), 16)
            chunk = await client.reader.readexactly(size + 2)
            self.assertTrue(chunk.startswith(b"data: ") and chunk.endswith(b"\n\n\r\n"), chunk)
            found.append(json.loads(chunk[6:]))
        return head, found

    async def test_they_are_sent_as_they_happen(self):
        with Running() as server:
            async with server.client() as client:
                head, found = await asyncio.wait_for(self.events(client, 2), TICK)
                self.assertIn("Content-Type: text/event-stream\r\n", head)
                self.assertEqual([pool["name"] for pool in found[0]["pools"]],
                                 ["files", "database", "primes"])
                self.assertLess(found[0]["time"], found[1]["time"])

    async def test_the_end_of_the_server_ends_them(self):
        with Running("--drain", "60") as server:
            async with server.client() as client:
                await asyncio.wait_for(self.events(client, 1), TICK)
                server.terminate()
                rest = await asyncio.wait_for(client.reader.read(), TICK)
                self.assertTrue(rest.endswith(b"0\r\n\r\n"), rest)
            self.assertEqual(server.end()[0], 0)


@unittest.skipUnless(PROGRAM, "Chromium is not installed (package chromium)")
class Page(ServerTest):
    async def load(self, server, path):
        async with server.client() as client:
            while True:
                await client.get(path)

    async def check_agreement(self, server, page, loads):
        """When the load has ended, the page says the same as `/metrics`."""
        for load in loads:
            load.cancel()
        await asyncio.gather(*loads, return_exceptions=True)
        async with server.client() as client:
            for pool in ["files", "database", "primes"]:
                name = f'ferry_pool_completed_tasks_total{{pool="{pool}"}} '
                # Calls whose client has left go on for a while, so it takes some looks.
                for _ in range(20 * TICK):
                    metrics = (await client.get("/metrics")).body.decode()
                    wanted = next(line[len(name):] for line in metrics.splitlines()
                                  if line.startswith(name))
                    shown = await page.evaluate(f"document.querySelector('[data-pool={pool}]').textContent"
                                                ".match(/(\\d+) completed/)[1]")
                    if shown == wanted:
                        break
                    await asyncio.sleep(0.05)
                self.assertEqual(shown, wanted, pool)

    async def test_it_shows_what_goes_on(self):
        with Running("--max-queue", "4", "--limit", "60", "--max-wait", "60") as server:
            server.write("page", b"x" * 1000)
            async with Browser() as page:
                await page.look(*SIZES["wide"], "light")
                await page.show(server.url + "/")
                await page.wait_for("document.getElementById('status').textContent === 'live'")
                loads = [asyncio.create_task(self.load(server, path))
                         for path in ["/file/page"] * 4 + [SLOW] * 12]
                lock = server.locked_database()
                loads += [asyncio.create_task(self.load(server, "/db/key")) for _ in range(3)]
                await page.wait_for("+document.getElementById('rate').textContent > 1")
                await page.wait_for("+document.getElementById('refused').textContent > 0")
                await page.wait_for("document.querySelector('[data-pool=primes]').textContent"
                                    ".includes('2 running')")
                # What waits for its turn on the strand of the database.
                await page.wait_for("document.querySelector('[data-pool=database]').textContent"
                                    ".includes('2 waiting')")
                await page.wait_for("document.getElementById('calls').textContent.includes('db get')")

                worker = server.workers()[0]
                os.kill(worker, signal.SIGKILL)
                await page.wait_for("document.getElementById('events').textContent"
                                    f".includes('worker process {worker} is gone')")
                await page.wait_for("document.getElementById('workers').children.length === 2")
                for name, (width, height) in SIZES.items():
                    for scheme in ["light", "dark"]:
                        await page.look(width, height, scheme)
                        # Nothing is wider than the window, so that a phone need not scroll sideways.
                        self.assertLessEqual(
                            await page.evaluate("document.documentElement.scrollWidth"), width)
                        background = await page.evaluate(
                            "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128")
                        self.assertEqual(background, scheme == "dark")
                        if directory := os.environ.get("SCREENSHOTS"):
                            await page.screenshot(os.path.join(directory, f"{name}-{scheme}.png"))
                lock.rollback()
                lock.close()
                await self.check_agreement(server, page, loads)
                await page.wait_for("document.getElementById('calls').textContent.includes('none')")
                self.assertEqual(page.console, [])
                hosts = {url for url in page.requested if not url.startswith(("data:", server.url))}
                self.assertEqual(hosts, set())

    async def test_it_finds_the_next_server(self):
        with Running() as first:
            port = first.port
            async with Browser() as page:
                await page.show(first.url + "/")
                await page.wait_for("document.getElementById('status').textContent === 'live'")
                async with first.client() as client:
                    await client.get("/healthz")
                await page.wait_for("+document.getElementById('requests').textContent >= 3")
                first.terminate()
                first.end()
                await page.wait_for("document.getElementById('status').className === 'off'")
                with Running("--port", str(port)):
                    await page.wait_for("document.getElementById('status').className === 'on'")
                    await page.wait_for("document.getElementById('events').textContent"
                                        ".includes('the server was started again')")


main()
