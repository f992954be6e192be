#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks that Ferry's headers include only headers of their own or a lower level, with no cycle."""

import pathlib
import re
import sys

LEVELS = {
    0: "config fwd",
    1: "error timeout unhandled task_options stats detail/is_awaitable detail/copied detail/futex detail/spin detail/alone detail/post_persistently detail/runnable detail/posted detail/ending_handler detail/thread_annotations detail/short_mutex detail/slab detail/spare_blocks",
    # Beside the futures, which it does not know.
    1.5: "resilience/backoff resilience/retry resilience/circuit_breaker",
    2: "detail/shared_state detail/timer_queue detail/delivery detail/await_state",
    3: "promise future detail/operation use_future",
    4: "executor detail/task thread_pool submit default_executor process/bytes process/code process/error_code process/exception process/fields process/serialize process/worker",
    5: "detail/children gather wait_for task_group shield run detail/watch wait as_completed map run_in_executor to_thread process/task process/options process/map process/run_in_executor process_pool",
    6: "ferry process",
}
LEVEL_OF = {name: level for level, names in LEVELS.items() for name in names.split()}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
ROOT = pathlib.Path(__file__).resolve().parent.parent / "include"


def name_of(path):
    """The name of a header in LEVELS: its path below ferry/ without the suffix."""
    return path.relative_to(ROOT).with_suffix("").as_posix().removeprefix("ferry/")


def includes_of(path):
    """The files of this library that the header includes, whether they exist or not."""
    for quote, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
        beside = (path.parent / target).resolve()
        if quote == '"' and beside.is_file():
            yield beside
        elif target == "ferry.hpp" or target.startswith("ferry/"):
            yield ROOT / target


def find_cycle(graph):
    """A list of names that ends where it starts, or None."""
    done = set()

    def visit(name, trail):
        if name in trail:
            return trail[trail.index(name):] + [name]
        if name in done:
            return None
        for target in graph.get(name, ()):
            cycle = visit(target, trail + [name])
            if cycle:
                return cycle
        done.add(name)
        return None

    for name in graph:
        cycle = visit(name, [])
        if cycle:
            return cycle
    return None


def main():
    errors = []
    graph = {}
    for path in sorted(ROOT.rglob("*.hpp")):
        name = name_of(path)
        graph[name] = []
        if name not in LEVEL_OF:
            errors.append(f"{name}.hpp is in no level; add it to LEVELS")
        for target_path in includes_of(path):
            target = name_of(target_path)
            graph[name].append(target)
            if not target_path.is_file():
                errors.append(f"{name}.hpp includes {target}.hpp, which does not exist")
            elif name in LEVEL_OF and LEVEL_OF.get(target, -1) > LEVEL_OF[name]:
                errors.append(f"{name}.hpp (level {LEVEL_OF[name]}) includes "
                              f"{target}.hpp (level {LEVEL_OF[target]})")
    if not graph:
        errors.append("no headers found")
    cycle = find_cycle(graph)
    if cycle:
        errors.append("include cycle: " + " -> ".join(cycle))
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    edges = sum(len(targets) for targets in graph.values())
    print(f"OK: {len(graph)} headers, {edges} includes, no upward include, no cycle")
    return 0


if __name__ == "__main__":
    sys.exit(main())
