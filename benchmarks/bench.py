# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""What the scripts that measure have in common."""

import json
import os
import pathlib
import platform
import re
import resource
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build/bench/benchmarks"
PYTHON = shutil.which("/usr/bin/python3") or sys.executable
MODES = {"free": False, "pin1": True}  # pinned: everything on processor 1


def processor_seconds():
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(command, pinned=False):
    """One sample as the program prints it, and the processor time of the process for each item."""
    command = (["taskset", "-c", "1"] if pinned else []) + [str(c) for c in command]
    before = processor_seconds()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}: {done.stderr.strip()}")
    sample = json.loads(done.stdout)
    if isinstance(sample, dict) and "items" in sample:
        sample["cpu"] = (processor_seconds() - before) * 1e9 / sample["items"]
    return sample


def quantile(values, share):
    """The value below which that share of them lies; one of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_name():
    """The first processor's name, and its model number, since names are given more than once."""
    first = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    about = dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in first.splitlines() if ":" in line)
    if "model name" not in about:
        return platform.machine()
    return about["model name"] + (f" (model {about['model']})" if "model" in about else "")


def machine():
    return {
        "cpu": cpu_name(),
        "processors": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0],
    }


def describe(about):
    return ", ".join(f"{value}" if key in ("cpu", "kernel") else f"{key} {value}"
                     for key, value in about.items())


def choose(parser, text, there_are):
    """The names in `text`, which are separated by commas."""
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in there_are]
    if unknown:
        parser.error(f"there is no {', '.join(map(repr, unknown))} (there are {', '.join(there_are)})")
    return chosen


def add_options(parser, binary, samples, there_are):
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / binary)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--only", help="workloads, separated by commas", default=",".join(there_are))
    parser.add_argument("--json", type=pathlib.Path, help="writes all samples to this file")


def check_options(parser, args):
    if args.samples < 1:
        parser.error(f"--samples must be at least 1, not {args.samples}")
    if not args.binary.is_file():
        parser.error(f"{args.binary} does not exist; build the preset 'bench' first")
