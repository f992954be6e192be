#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks the prose of the tree and the examples in the comments of public headers.

Each example, between `@code` and `@endcode`, stands in test/doc too, between `// [name]` and
`// [end]`, where it is compiled and run. Each of the main functions has one."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What has an example of its own, and in which header.
EXAMPLES = {
    "thread_pool::submit": "thread_pool", "submit": "submit", "map": "thread_pool",
    "as_completed": "as_completed", "wait": "wait", "to_thread": "to_thread",
    "run_in_executor": "run_in_executor", "async_invoke": "run_in_executor", "gather": "gather",
    "wait_for": "wait_for", "shield": "shield", "with_task_group": "task_group", "run": "run",
    "retry": "resilience/retry", "async_retry": "resilience/retry",
    "loop_watch": "loop_watch", "context_value": "context_value",
    "set_context_hook": "context_hook", "write_metrics": "metrics", "dump_trace": "trace",
    "circuit_breaker": "resilience/circuit_breaker", "process_pool::submit": "process_pool",
}

HEADINGS = {"Executor", "Cancellation", "Blocking", "Errors", "Exception safety", "Lifetime",
            "Thread safety", "Complexity", "Preconditions", "Example", "See also"}

# Phrases that no text of the tree has.
EVERYWHERE = {
    r"\btime-outs?\b": "say timeout",
    r"\bfor ever\b": "say forever",
    r"\bno std::exception\b": "say: not derived from std::exception",
}
# Phrases that no comment of a header has.
IN_INCLUDE = {r"\bfor who\b|\bwho waits\b|\bis to be had\b": "give the clause a noun"}
# Phrases that no comment of a public header has.
IN_HEADERS = {
    r"^(What|Who|Whoever|Whose) ": "begin with a noun or a verb, not with a relative clause",
    r"^The same\b": "say what the function does; a reader sees one overload at a time",
    r"(^|[.;:] )[Ww]here ": "say if",
    r"^(Gives|Says|Tells of) ": "say returns, reports",
    r"\b(sees to it|lets go of|who has|one's own|no longer than that|so long)\b": "use a standard term",
    r"\b(Thread safety|Blocking|Lifetime|Executor|Cancellation|Errors|Source): ": "say @par",
}


def files():
    """All files with prose."""
    for folder in ("include", "src", "test", "tools", "examples", "benchmarks", "doc"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".py", ".sh", ".md", ".tsv", ".txt") and path.is_file():
                yield path
    yield from sorted(ROOT.glob("*.md"))


def public_headers():
    """The headers that users read."""
    for path in sorted((ROOT / "include/ferry").rglob("*.hpp")):
        if "detail" not in path.parts:
            yield path


def check_phrases(path, lines, phrases):
    """Complains of each line that has one of the phrases."""
    for number, line in lines:
        for pattern, advice in phrases.items():
            if re.search(pattern, line):
                yield f"{path.relative_to(ROOT)}:{number}: {advice}: {line.strip()}"


def doc_comments(text):
    """The documentation comments outside of namespace detail, as lists of (line number, line)."""
    comment, inside_detail = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"namespace (ferry::)?detail \{", line):
            inside_detail = True
        elif re.match(r"\} // namespace (ferry::)?detail", line):
            inside_detail = False
        found = re.match(r"\s*/// ?(.*)$", line)
        if found and not inside_detail:
            comment.append((number, found[1]))
        elif comment:
            yield comment
            comment = []


def split_code(comment):
    """The prose of a comment and its code blocks."""
    prose, blocks, block = [], [], None
    for number, line in comment:
        if line == "@code":
            block = []
        elif line == "@endcode":
            blocks.append((number, textwrap.dedent("\n".join(block)).strip()))
            block = None
        elif block is None:
            prose.append((number, line))
        else:
            block.append(line)
    return prose, blocks


def compiled_snippets():
    """The snippets of test/doc, by name."""
    snippets = {}
    for path in sorted((ROOT / "test/doc").glob("*.cpp")):
        for name, text in re.findall(r"^ *// \[([^\]]+)\]\n(.*?)^ *// \[end\]$",
                                     path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            snippets[name] = textwrap.dedent(text).strip()
    return snippets


def check_headers(snippets):
    """The errors in the documentation of public headers."""
    shown = {}
    for path in public_headers():
        where = path.relative_to(ROOT)
        for comment in doc_comments(path.read_text(encoding="utf-8")):
            prose, blocks = split_code(comment)
            yield from check_phrases(path, prose, IN_HEADERS)
            for number, line in prose:
                heading = re.match(r"@par (.*)", line)
                if heading and heading[1] not in HEADINGS:
                    yield f"{where}:{number}: an unknown heading: {heading[1]}"
            for number, block in blocks:
                names = [name for name, text in snippets.items() if text == block]
                if not names:
                    yield f"{where}:{number}: no snippet of test/doc is this example"
                for name in names:
                    shown[name] = where.as_posix()
    for name, header in EXAMPLES.items():
        if shown.get(name) != f"include/ferry/{header}.hpp":
            yield f"include/ferry/{header}.hpp has no example [{name}]"
    for name in sorted(set(snippets) - set(shown)):
        yield f"test/doc: no header shows the snippet [{name}]"


def check_losses():
    """The rows of the table of what is lost in a cluster without a test that names them."""
    page = (ROOT / "CLUSTER.md").read_text(encoding="utf-8")
    table = page[page.index("\n| what ends |"):].split("\n\n")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]
    named = [row for path in sorted((ROOT / "test/cluster").glob("*.cpp"))
             for row in re.findall(r"^// Ends: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)]
    for row in rows:
        if row not in named:
            yield f"CLUSTER.md: no test in test/cluster says // Ends: {row}"
    for row in sorted(set(named) - set(rows)):
        yield f"test/cluster: CLUSTER.md has no row: {row}"


def main():
    errors = list(check_headers(compiled_snippets())) + list(check_losses())
    for path in files():
        if path != pathlib.Path(__file__).resolve():
            lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            header = path.is_relative_to(ROOT / "include")
            errors += check_phrases(path, lines, EVERYWHERE | (IN_INCLUDE if header else {}))
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{len(compiled_snippets())} examples, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
