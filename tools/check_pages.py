#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks the pages of doc/ and the README.

Each block of code of a page is a run of lines of a file that the page links to and that the tests
compile: a program of doc/examples or examples, or one of test/doc and test/fail. Each block of
output is a run of lines of the output that doc/examples has beside a program and that the tests
compare. The README may leave lines and comments out. Each link leads to a file, each anchor to a
heading. No heading has backticks, whose markup Doxygen shows there. Each program of doc/examples
has a page, each page is in the list of index.md."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "doc"
COMPILED = ("doc/examples/", "examples/", "test/doc/", "test/fail/", "test/install/")
# Languages of blocks that are code of programs; output is `text`.
CODE = {"cpp", "cmake"}
FREE = {"sh", "python", "rust", "jam"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def slug(heading):
    """The anchor of a heading, as forges make it."""
    plain = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain))


def parts(path):
    """The prose of a page, as (line number, line), and its blocks, as (number, language, text)."""
    prose, blocks, block = [], [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if fence := re.match(r"\s*```(.*)$", line):
            if block is None:
                block, begin, language = [], number, fence[1].strip()
            else:
                blocks.append((begin, language, "\n".join(block)))
                block = None
        elif block is None:
            prose.append((number, line))
        else:
            block.append(line)
    if block is not None:
        raise SystemExit(f"{path}: a block does not end")
    return prose, blocks


def anchors(path):
    """The anchors of a page."""
    return {slug(found[1]) for _, line in parts(path)[0] if (found := re.match(r"#+ (.*)", line))}


def is_part_of(block, text):
    """Whether a block is a run of whole lines of a text, at any indentation."""
    wanted = textwrap.dedent(block).strip("\n").splitlines()
    lines = [line.rstrip() for line in text.splitlines()]
    for first in range(len(lines) - len(wanted) + 1):
        run = "\n".join(lines[first:first + len(wanted)])
        if textwrap.dedent(run).splitlines() == wanted:
            return True
    return False


def links_of(path, prose):
    """The links of a page to files of the tree, as (line number, target, file)."""
    for number, line in prose:
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if not re.match(r"\w+:", target):
                name = target.partition("#")[0]
                yield number, target, (path.parent / name).resolve() if name else path


def check_links(path, prose):
    """The links of a page that lead nowhere, and its headings with backticks."""
    for number, line in prose:
        if re.match(r"##+ .*`", line):
            yield f"{path.relative_to(ROOT)}:{number}: no backticks in a heading"
    for number, target, file in links_of(path, prose):
        anchor = target.partition("#")[2]
        if not file.is_relative_to(ROOT) or not file.exists():
            yield f"{path.relative_to(ROOT)}:{number}: no such file: {target}"
        elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
            yield f"{path.relative_to(ROOT)}:{number}: no such heading: {target}"


def check_blocks(path, prose, blocks):
    """The blocks of a page that no file of the tests has."""
    where = path.relative_to(ROOT)
    files = [file for _, _, file in links_of(path, prose)
             if file.is_file() and file.relative_to(ROOT).as_posix().startswith(COMPILED)]
    outputs = [out for file in files if (out := file.with_suffix(".out")).exists()]
    if not files and "example" not in FREE_PAGES.get(path.name, ""):
        yield f"{where}: links to no program that the tests compile"
    for number, language, text in blocks:
        if language in FREE:
            continue
        if language not in CODE | {"text"}:
            yield f"{where}:{number}: a block has a language: {', '.join(sorted(CODE | FREE))}, text"
            continue
        among = files if language in CODE else outputs
        if not any(is_part_of(text, file.read_text(encoding="utf-8")) for file in among):
            yield f"{where}:{number}: no file that the page links to has these lines"


def check_readme():
    """The blocks of the README that are neither in a file of doc/examples/first, nor, line by line
    and without comments, in a test of test/doc."""
    def bare(text):
        return re.sub(r"\s+", "", re.sub(r"//.*", "", text))

    first = [file.read_text(encoding="utf-8") for file in (DOC / "examples/first").iterdir()]
    tests = [bare(file.read_text(encoding="utf-8")) for file in (ROOT / "test/doc").glob("*.cpp")]
    for number, language, text in parts(ROOT / "README.md")[1]:
        if language in CODE | {"text"} and not any(is_part_of(text, file) for file in first):
            lines = [re.escape(line) for line in map(bare, text.splitlines()) if line]
            if not any(re.search(".*?".join(lines), test) for test in tests):
                yield f"README.md:{number}: no test has these lines"


# Pages whose subject has no code of its own.
FREE_PAGES = {"glossary.md": "example", "design.md": "example"}


def main():
    errors = []
    pages = sorted(DOC.glob("*.md"))
    listed, shown = set(), set()
    for path in pages:
        prose, blocks = parts(path)
        errors += check_links(path, prose)
        errors += check_blocks(path, prose, blocks)
        files = {file for _, _, file in links_of(path, prose)}
        shown |= files
        if path.name == "index.md":
            listed = files
    for path in pages:
        if path.name != "index.md" and path not in listed:
            errors.append(f"doc/index.md does not list {path.name}")
    for path in sorted((DOC / "examples").rglob("*.cpp")):
        if path not in shown:
            errors.append(f"{path.relative_to(ROOT)}: no page links to it")
    for path in sorted((DOC / "examples").rglob("*.out")):
        if not path.with_suffix(".cpp").exists():
            errors.append(f"{path.relative_to(ROOT)}: there is no such program")
    for name in ("README.md", "DESIGN.md", "CLUSTER.md", "CONTRIBUTING.md", "CHANGELOG.md",
                 "SECURITY.md", "examples/README.md", "benchmarks/README.md",
                 "packaging/README.md"):
        errors += check_links(ROOT / name, parts(ROOT / name)[0])
    errors += check_readme()
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{len(pages)} pages, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
