#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What the example server does, and how it ends."""

import asyncio
import time

from harness import Running, ServerTest, TICK, main


class Routes(ServerTest):
    async def test_each_answers(self):
        with Running() as server:
            server.write("page", b"hello")
            async with server.client() as client:
                self.assertEqual((await client.get("/file/page")).body, b"hello")
                await client.send("PUT", "/db/key", b"value")
                self.assertEqual((await client.receive()).status, 200)
                self.assertEqual((await client.get("/db/key")).body, b"value\n")
                self.assertEqual((await client.get("/prime/97")).body, b"prime\n")
                self.assertEqual((await client.get("/prime/91")).body, b"not prime\n")
                self.assertEqual((await client.get("/healthz")).body, b"ok\n")
                metrics = (await client.get("/metrics")).body.decode()
                for line in ['ferry_pool_completed_tasks_total{pool="files"} 1',
                             'ferry_pool_completed_tasks_total{pool="database"} 2',
                             'ferry_pool_completed_tasks_total{pool="primes"} 2']:
                    self.assertIn("\n" + line + "\n", metrics)

    async def test_what_is_not_there(self):
        with Running() as server:
            async with server.client() as client:
                for path, status in [("/none", 404), ("/file/none", 404), ("/db/none", 404),
                                     ("/file/.database", 404), ("/file/..%2f", 404),
                                     ("/file/../x", 404), ("/file/", 404), ("/prime/x", 400),
                                     ("/prime/10000000000000001", 400)]:
                    self.assertEqual((await client.get(path)).status, status, path)
                await client.send("DELETE", "/db/key")
                self.assertEqual((await client.receive()).status, 405)


class Ending(ServerTest):
    async def start_puts(self, server, count):
        clients = [server.client() for _ in range(count)]
        for client in clients:
            await client.__aenter__()
            await client.send("PUT", "/db/key", b"value")
        return clients

    async def test_what_has_arrived_is_answered(self):
        with Running("--limit", "60", "--max-wait", "60", "--drain", "60") as server:
            lock = server.locked_database()
            clients = await self.start_puts(server, 6)
            async with server.client() as idle:
                self.assertEqual((await idle.get("/healthz")).status, 200)
                server.terminate()
                await asyncio.wait_for(server.wait_until_draining(), TICK)
                self.assertEqual(await idle.reader.read(), b"")
            lock.rollback()
            lock.close()
            for client in clients:
                answer = await asyncio.wait_for(client.receive(), TICK)
                self.assertEqual((answer.status, answer.fields["connection"]), (200, "close"))
                await client.__aexit__()
            code, out, err = server.end()
            self.assertEqual(code, 0, err)
            self.assertRegex(out, r"database: completed \d+, failed 0; finished at the end \d+, dropped 0")

    async def test_what_hangs_is_answered_and_named_at_the_deadline(self):
        with Running("--limit", "600", "--max-wait", "600", "--drain", "1") as server:
            lock = server.locked_database()
            clients = await self.start_puts(server, 3)
            async with server.client() as client:
                self.assertEqual((await client.get("/healthz")).status, 200)
            begin = time.monotonic()
            server.terminate()
            for client in clients:
                answer = await asyncio.wait_for(client.receive(), TICK)
                self.check_refusal(answer)
                await client.__aexit__()
            code, out, _ = server.end()
            print(f"ended {time.monotonic() - begin:.2f} s after the signal; the deadline was 1 s")
            self.assertLess(time.monotonic() - begin, 20)
            self.assertEqual(code, 1)
            self.assertRegex(out, r"\n  stuck: .+, for \d+ ms\n")
            lock.rollback()
            lock.close()


main()
