#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Writes test/CONFORMANCE.md: which test covers which row of test/conformance/behaviours.tsv.

A test names its rows in a comment: `// CF-FUT-01 CF-WAIT-02`, short `// CF-FUT-01, -05, -08`.
With --check it writes nothing; it fails where the page is out of date, where a test names a row
that does not exist, and where a row that applies has no test."""

import collections
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = ROOT / "test/conformance/behaviours.tsv"
PAGE = ROOT / "test/CONFORMANCE.md"
FOLDERS = "test", "examples"
SUFFIXES = ".cpp", ".hpp", ".py", ".sh", ".txt"
NAMED = re.compile(r"CF-([A-Z]+)-(\d+)((?:[ ,]+-\d+)*)")
CASE = re.compile(r"BOOST_\w*TEST_CASE\w*\(\s*(\w+)")
STATEMENT = re.compile(r"^[^\s/}#].*", re.MULTILINE)  # of C++, at file scope
TEXT = re.compile(r'"([^"]+)"')
NONE = "not applicable"


def rows():
    """The rows as dictionaries, in their order."""
    with open(ROWS, encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


def ids_in(text):
    """The position and the ID of each row that the text names."""
    for m in NAMED.finditer(text):
        for number in (m[2], *re.findall(r"\d+", m[3])):
            yield m.start(), f"CF-{m[1]}-{number}"


def case_at(text, position):
    """The test case of C++ that encloses the position, or begins below it."""
    start = text.rfind("\n}", 0, position) + 1
    above = list(STATEMENT.finditer(text, start, text.find("\n", position)))
    for statement in above[-1:] + [STATEMENT.search(text, position)]:
        case = statement and CASE.match(text, statement.start())
        if case:
            return case[1]
        if statement and statement[0].startswith("static_assert"):
            return "at compile time"
    return None


def place_of(path, text, position):
    """How the page names the test at the position."""
    case = None
    if path.suffix in (".cpp", ".hpp"):
        case = case_at(text, position)
    elif path.suffix == ".py":
        line = text[text.rfind("\n", 0, position) + 1:position]
        case = (TEXT.findall(line) or [None])[0]
    name = path.relative_to(ROOT / "test" if path.is_relative_to(ROOT / "test") else ROOT)
    return f"{name.as_posix()}: {case}" if case else name.as_posix()


def tests():
    """The tests of each row by its ID."""
    found = collections.defaultdict(list)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            text = path.read_text(encoding="utf-8")
            for position, row in ids_in(text):
                place = place_of(path, text, position)
                if place not in found[row]:
                    found[row].append(place)
    return found


def page(table, found):
    """The text of the page."""
    applicable = [r for r in table if not r["decision"].startswith(NONE)]
    uncovered = [r["id"] for r in applicable if r["id"] not in found]
    lines = ["# Conformance", "",
             "The behaviours that the test suites of Ferry's peers pin down, and the test of each.",
             "Written by `tools/conformance.py` from `test/conformance/behaviours.tsv`, where the",
             "peers' tests are named too.", "",
             "| rows | applicable | covered | not covered |", "|---|---|---|---|",
             f"| {len(table)} | {len(applicable)} | {len(applicable) - len(uncovered)} "
             f"| {', '.join(uncovered) or 'none'} |"]
    area = None
    for row in table:
        if row["area"] != area:
            area = row["area"]
            lines += ["", f"## {area}", "", "| row | behaviour | decision | test |",
                      "|---|---|---|---|"]
        places = "<br>".join(f"`{t}`" for t in found.get(row["id"], ()))
        cells = [row["id"], row["behaviour"], row["decision"], places]
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def errors_of(table, found):
    """What keeps the rows and the tests from fitting together."""
    errors = []
    known = [r["id"] for r in table]
    errors += [f"{i} stands twice in {ROWS.name}" for i, n in collections.Counter(known).items()
               if n > 1]
    errors += [f"{row['id']}: no decision is '{row['decision']}'" for row in table
               if not re.match(rf"(applies$|adapted: |{NONE}: )", row["decision"])]
    errors += [f"{', '.join(places)}: there is no row {i}" for i, places in found.items()
               if i not in known]
    errors += [f"{row['id']} has no test" for row in table
               if not row["decision"].startswith(NONE) and row["id"] not in found]
    errors += [f"{row['id']} is not applicable and has a test: {found[row['id']][0]}"
               for row in table if row["decision"].startswith(NONE) and row["id"] in found]
    return errors


def main():
    table = rows()
    found = tests()
    text = page(table, found)
    errors = errors_of(table, found)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        errors.append(f"{PAGE.name} is out of date; run tools/conformance.py")
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    print(f"OK: {len(table)} rows, each that applies has a test")
    return 0


if __name__ == "__main__":
    sys.exit(main())
