# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Drives Chromium without a window, through its debugging protocol over a pair of pipes."""

import asyncio
import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile

PROGRAM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


class Browser:
    """One page; `async with Browser() as page`."""

    async def __aenter__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-test.")
        to_browser, self.commands = os.pipe()
        self.replies, from_browser = os.pipe()

        def take_descriptors():  # the browser reads from 3 and writes to 4
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
             "--disable-background-networking", f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=[3, 4], preexec_fn=take_descriptors, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.last = 0
        self.waiting = {}
        self.console = []
        self.session = None
        self.stream = asyncio.StreamReader(limit=1 << 26)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self.stream),
                                     os.fdopen(self.replies, "rb"))
        self.reader = asyncio.create_task(self.read())
        targets = (await self.call("Target.getTargets"))["targetInfos"]
        page = next(each for each in targets if each["type"] == "page")
        attached = await self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            await self.call(domain + ".enable")
        return self

    async def __aexit__(self, *_):
        self.reader.cancel()
        self.process.terminate()
        self.process.wait()
        os.close(self.commands)
        shutil.rmtree(self.profile, True)

    async def read(self):
        while True:
            try:
                message = json.loads((await self.stream.readuntil(b"\0"))[:-1])
            except asyncio.IncompleteReadError:
                return  # the browser has ended
            if message.get("id") in self.waiting:
                self.waiting.pop(message["id"]).set_result(message)
            elif message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                           "Log.entryAdded"):
                self.console.append(message)
            elif message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])

    requested = []

    async def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        reply = self.waiting[self.last] = asyncio.get_running_loop().create_future()
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        reply = await asyncio.wait_for(reply, 60)
        if "error" in reply:
            raise AssertionError(reply["error"])
        return reply["result"]

    async def show(self, url):
        self.requested = []
        await self.call("Page.navigate", url=url)
        await self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def look(self, width, height, scheme):
        """The size of the window, and whether it is `dark` or `light`."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=1, mobile=width < 600)
        await self.call("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def evaluate(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                                 awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    async def wait_for(self, expression, seconds=60):
        """Until the expression is true in the page."""
        for _ in range(seconds * 20):
            try:
                if await self.evaluate(expression):
                    return
            except AssertionError:
                pass  # while a page is replaced by another
            await asyncio.sleep(0.05)
        raise AssertionError(f"never became true: {expression}")

    async def screenshot(self, path):
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
