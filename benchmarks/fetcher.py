#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""The fetcher beside `curl -Z --parallel-immediate` and wget2: wall and CPU seconds and peak memory.

Usage: benchmarks/fetcher.py PATH-TO-FETCHER [--slow-server PATH] [--runs N] [--only WORDS]

Needs nginx, curl, wget2 and openssl (Debian: nginx-light curl wget2 openssl), and the program
slow_server of these benchmarks, from build/bench unless a path is given. All servers are on
loopback. The runs of the programs alternate; what is printed are medians.
"""

import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test" / "fetcher"))
from servers import made_up_ca  # noqa: E402

NGINX = """
worker_processes 2;
pid {top}/nginx.pid;
error_log {top}/error.log;
daemon off;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {top}/body; proxy_temp_path {top}/proxy; fastcgi_temp_path {top}/f;
    uwsgi_temp_path {top}/u; scgi_temp_path {top}/s;
    ssl_certificate {top}/server.pem; ssl_certificate_key {top}/server.key;
    server {{ {plain} root {top}/www; rewrite ^ /body break; }}
    server {{ {tls} root {top}/www; rewrite ^ /body break; }}
    server {{ listen 127.0.0.1:{h2} ssl http2; root {top}/www; rewrite ^ /body break; }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    def __init__(self, top):
        self.plain, self.tls, self.h2 = free_port(), free_port(), free_port()
        (top / "www").mkdir()
        (top / "www" / "body").write_bytes(b'{"text": "' + b"x" * 1012 + b'"}')
        top.chmod(0o755)
        hosts = [f"127.0.0.{n}" for n in range(1, 21)]
        config = NGINX.format(top=top, h2=self.h2,
                              plain=" ".join(f"listen {h}:{self.plain};" for h in hosts),
                              tls=" ".join(f"listen {h}:{self.tls} ssl;" for h in hosts))
        (top / "nginx.conf").write_text(config)
        self.process = subprocess.Popen(["nginx", "-c", top / "nginx.conf", "-p", top],
                                        stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.plain)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("nginx does not start; see " + str(top / "error.log"))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def start_slow_server(program):
    """The server that answers /MILLISECONDS/... after that time, and its port."""
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def curl(urls, jobs, ca, top):
    lines = "".join(f'url = "{url}"\noutput = /dev/null\n' for url in urls)
    (top / "curl.conf").write_text(lines)
    return ["curl", "-sSZ", "--parallel-immediate", "--parallel-max", str(min(jobs, 300)),
            "--cacert", ca, "-K", top / "curl.conf"]


def wget2(urls, jobs, ca, top):
    (top / "urls").write_text("\n".join(urls))
    return ["wget2", "-q", "-O", "/dev/null", "--max-threads", str(jobs), "--ca-certificate", ca,
            "--no-config", "--tries", "1", "--no-robots", "-i", top / "urls"]


def fetcher(program, urls, jobs, ca, top):
    (top / "urls").write_text("\n".join(urls))
    return [program, "-j", str(jobs), "--cacert", ca, "-i", top / "urls"]


def watch_memory(pid, peak):
    """Adds the kB that the process had at most, again and again until it ends."""
    try:
        while True:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                peak.append(next(int(line.split()[1]) for line in file if line.startswith("VmHWM")))
            time.sleep(0.005)
    except (OSError, StopIteration):
        return


def measure(command):
    with open(os.devnull, "r+b") as null:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=subprocess.PIPE)
        peak = []
        # What the kernel tells at the end is at least what this program has.
        watch = threading.Thread(target=watch_memory, args=(process.pid, peak))
        watch.start()
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"  {command[0]}: exit code {process.returncode}: {errors[-300:]!r}")
    watch.join()
    return wall, used.ru_utime + used.ru_stime, max(peak, default=0) / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("fetcher")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument("--slow-server", type=pathlib.Path,
                        default=HERE.parent / "build" / "bench" / "benchmarks" / "slow_server")
    arguments = parser.parse_args()
    if not arguments.slow_server.is_file():
        sys.exit(f"fetcher.py: there is no {arguments.slow_server}: build it with cmake --preset bench && "
                 "cmake --build build/bench --target slow_server, or name it with --slow-server")
    top = pathlib.Path(tempfile.mkdtemp(prefix="fetcher-bench."))
    ca, _ = made_up_ca(top)
    nginx = Nginx(top)
    slow, port = start_slow_server(arguments.slow_server)
    plain = f"http://127.0.0.1:{nginx.plain}"
    secure = f"https://127.0.0.1:{nginx.tls}"

    def over_hosts(scheme, where, count):
        return [f"{scheme}://127.0.0.{n % 20 + 1}:{where}/{n}" for n in range(count)]

    workloads = [
        ("2,000 of 1 KiB at 10", 10, [f"{plain}/{n}" for n in range(2000)]),
        ("200 of 50 ms at 10 (ideal 1.0 s)", 10, [f"http://127.0.0.1:{port}/50/{n}" for n in range(200)]),
        ("1,000 of 50 ms at 100 (ideal 0.5 s)", 100,
         [f"http://127.0.0.1:{port}/50/{n}" for n in range(1000)]),
        ("20,000 of 1 KiB at 100", 100, [f"{plain}/{n}" for n in range(20000)]),
        ("100,000 of 1 KiB at 10", 10, [f"{plain}/{n}" for n in range(100000)]),
        ("2,000 over 20 hosts at 10", 10, over_hosts("http", nginx.plain, 2000)),
        ("400 https over 20 hosts at 10", 10, over_hosts("https", nginx.tls, 400)),
        ("1,000 https at 10", 10, [f"{secure}/{n}" for n in range(1000)]),
        ("1,000 https at 100", 100, [f"{secure}/{n}" for n in range(1000)]),
        ("1,000 h2 at 10", 10, [f"https://127.0.0.1:{nginx.h2}/{n}" for n in range(1000)]),
        ("10,000 of 1 s at 10,000", 10000, [f"http://127.0.0.1:{port}/1000/{n}" for n in range(10000)]),
    ]
    try:
        print(f"{'':36} {'fetcher':>22} {'curl -Z':>22} {'wget2':>22}  fetcher/curl, /wget2 (wall)")
        for name, jobs, urls in workloads:
            if not all(word in name for word in arguments.only.split()):
                continue
            programs = [fetcher(arguments.fetcher, urls, jobs, ca, top), curl(urls, jobs, ca, top),
                        wget2(urls, jobs, ca, top)]
            if jobs > 1000:
                programs = programs[:1]  # the others have no such number at a time
            results = [[] for _ in programs]
            for _ in range(arguments.runs if len(urls) < 50000 else min(arguments.runs, 3)):
                for result, command in zip(results, programs):
                    result.append(measure(command))
            medians = [tuple(map(statistics.median, zip(*each))) for each in results]
            cells = [f"{wall:.3f} / {cpu:.3f} / {memory:.1f}" for wall, cpu, memory in medians]
            ratios = "  " + ", ".join(f"{medians[0][0] / each[0]:.2f}" for each in medians[1:])
            print(f"{name:36} " + " ".join(f"{cell:>22}" for cell in cells) + ratios, flush=True)
    finally:
        slow.kill()
        slow.wait()
        nginx.stop()
        shutil.rmtree(top, ignore_errors=True)


main()
