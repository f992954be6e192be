#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks the architecture that the folders show.

Each file belongs to a room. It may include files of its own room and of the rooms that stand below it
in ROOMS, and headers never include each other in a circle. CMakeLists.txt lists exactly the sources and
headers that are there, which is what the Jamfile finds by folder."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# room: the rooms that it may include
ROOMS = {
    "support": (),
    "inside": ("support",),
    "program": ("support", "inside"),
    "resilience": ("support", "inside"),
    "future": ("support", "inside"),
    "pool": ("support", "inside", "future"),
    "coroutine": ("support", "inside", "future", "pool"),
    "process": ("support", "inside", "future", "pool", "coroutine"),
    "cluster": ("support", "inside", "future", "pool", "coroutine", "process"),
    "all": ("support", "inside", "resilience", "future", "pool", "coroutine", "process", "cluster"),
}

# Public headers are flat; these are the rooms that they belong to.
HEADERS = {
    "support": "stack_frame config fwd error timeout unhandled stats task_options detail/adaptive_mutex "
               "detail/as_if_alone detail/assert detail/caught_or_unwind detail/copied "
               "detail/is_awaitable detail/memory detail/post_persistently detail/runs_here "
               "detail/scope_exit detail/spin detail/thread_annotations detail/visit_strand",
    "inside": "context_hook loop_watch metrics trace detail/context detail/context_executor "
              "detail/task_label detail/thread_note",
    "future": "awaited future promise wait as_completed detail/await_state detail/continuation "
              "detail/done_callback detail/failed_state detail/future_access detail/progress_sink "
              "detail/shared_state detail/task_extra "
              "detail/timer_queue detail/wait_node detail/waiter detail/waiting_thread detail/wait_op "
              "detail/work_item",
    "pool": "offloadable pool_options progress thread_pool thread_pool_options submit map "
            "detail/posted_function detail/submit_to detail/task",
    "coroutine": "context_value default_executor gather run run_coroutine_threadsafe run_in_executor "
                 "shield task_group to_thread use_future wait_for detail/child_scope "
                 "detail/future_op detail/start_uncancelled",
    "process": "process_pool",
    "all": "ferry process cluster",
}
ROOM_OF_HEADER = {f"ferry/{name}.hpp": room for room, names in HEADERS.items() for name in names.split()}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The room of a file, or None."""
    if path.is_relative_to(ROOT / "src"):
        return path.relative_to(ROOT / "src").parts[0]
    name = path.relative_to(ROOT / "include").as_posix()
    for room in ("process", "cluster", "resilience"):
        if name.startswith(f"ferry/{room}/"):
            return room
    return ROOM_OF_HEADER.get(name)


def includes_of(path):
    """The files of this library that the file includes, whether they exist or not."""
    for quote, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
        if target.startswith("ferry/"):
            yield ROOT / "include" / target
        elif quote == '"':
            beside = path.parent / target
            yield beside if beside.is_file() else ROOT / "src" / target


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


def check_includes(files):
    """The errors in what includes what."""
    errors, graph = [], {}
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        room = room_of(path)
        if room not in ROOMS:
            errors.append(f"{name} belongs to no room; see ROOMS and HEADERS in tools/check_layers.py")
            continue
        graph[name] = []
        for target_path in includes_of(path):
            target = target_path.relative_to(ROOT).as_posix()
            graph[name].append(target)
            if not target_path.is_file():
                errors.append(f"{name} includes {target}, which does not exist")
            elif room_of(target_path) not in (room, *ROOMS[room]):
                errors.append(f"{name} ({room}) includes {target} ({room_of(target_path)})")
    cycle = find_cycle(graph)
    if cycle:
        errors.append("include cycle: " + " -> ".join(cycle))
    print(f"{len(graph)} files, {sum(len(t) for t in graph.values())} includes")
    return errors


def check_lists(files):
    """The errors in the lists of CMakeLists.txt."""
    listed = set(re.findall(r"^\s+((?:src|include)/\S+\.[ch]pp)\)?$",
                            (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE))
    present = {path.relative_to(ROOT).as_posix() for path in files
               if path.suffix == ".cpp" or path.is_relative_to(ROOT / "include")}
    return [f"CMakeLists.txt does not list {name}" for name in sorted(present - listed)] + \
           [f"CMakeLists.txt lists {name}, which does not exist" for name in sorted(listed - present)]


def main():
    files = [path for folder in ("include", "src") for path in sorted((ROOT / folder).rglob("*.[ch]pp"))]
    errors = check_includes(files) + check_lists(files) if files else ["no files found"]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
