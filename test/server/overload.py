#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""The example server when more comes than it can do."""

import asyncio
import os
import signal
import time

from harness import Running, ServerTest, TICK, main

QUEUE = 8
# What each pool holds at most, running and waiting, and three times as many clients.
CLIENTS = {"/file/page": 3 * (8 + QUEUE), "/db/key": 3 * (1 + QUEUE),
           "/prime/9999999999971": 3 * (2 + QUEUE)}
SECONDS = 4


class FullPool(ServerTest):
    async def test_as_many_as_fit_are_done_and_the_rest_is_refused(self):
        with Running("--max-queue", str(QUEUE), "--max-wait", "60", "--limit", "60") as server:
            lock = server.locked_database()
            clients = [server.client() for _ in range(CLIENTS["/db/key"])]
            for client in clients:
                await client.__aenter__()
                await client.send("PUT", "/db/key", b"value")
            answers = [asyncio.create_task(client.receive()) for client in clients]
            refused = len(clients) - (1 + QUEUE)
            for answer in asyncio.as_completed(answers, timeout=TICK):
                self.check_refusal(await answer)
                refused -= 1
                if refused == 0:
                    break
            lock.rollback()
            lock.close()
            statuses = [answer.status for answer in await asyncio.gather(*answers)]
            self.assertEqual(statuses.count(200), 1 + QUEUE)
            for client in clients:
                await client.__aexit__()


class Overload(ServerTest):
    async def load(self, server, path, until, seen):
        """Asks again at once, whatever the answer."""
        async with server.client() as client:
            while time.monotonic() < until:
                begin = time.monotonic()
                answer = await asyncio.wait_for(client.get(path), TICK)
                seen.append((time.monotonic() - begin, answer.status))
                if answer.status == 503:
                    self.check_refusal(answer)
                else:
                    self.assertEqual(answer.status, 200, answer)

    async def test_at_three_times_the_capacity_everybody_is_answered(self):
        with Running("--max-queue", str(QUEUE)) as server:
            server.write("page", b"x" * 65536)
            async with server.client() as client:
                await client.send("PUT", "/db/key", b"value")
                self.assertEqual((await client.receive()).status, 200)
            until = time.monotonic() + SECONDS
            seen = {path: [] for path in CLIENTS}
            loads = [asyncio.create_task(self.load(server, path, until, seen[path]))
                     for path, clients in CLIENTS.items() for _ in range(clients)]
            await asyncio.sleep(SECONDS / 4)
            early = server.memory()
            await asyncio.sleep(SECONDS / 4)
            for worker in server.workers()[:1]:
                os.kill(worker, signal.SIGKILL)  # costs one request, which is answered
            await asyncio.gather(*loads)
            late = server.memory()
            server.terminate()
            code, out, err = server.end()
        for path, answers in seen.items():
            done = sorted(seconds for seconds, status in answers if status == 200)
            refused = sum(status == 503 for _, status in answers)
            self.assertTrue(done, path)
            print(f"{path}: {len(done)} done, {refused} refused; median of those done "
                  f"{done[len(done) // 2] * 1e3:.1f} ms, longest {done[-1] * 1e3:.1f} ms")
        self.assertTrue(any(status == 503 for _, status in seen["/prime/9999999999971"]))
        print(f"memory: {early >> 10} KiB, then {late >> 10} KiB; {out.splitlines()[-1]}")
        self.assertLess(late, early + (16 << 20))
        self.assertEqual(code, 0, err)


main()
