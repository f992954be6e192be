#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Checks that every file that names Ferry's version names the same one, CMake's.

Usage: check_version.py [VERSION]"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What is found must be the version, or its first two numbers where that is what counts.
PLACES = (
    ("CMakeLists.txt", r"project\(ferry VERSION (\S+)"),
    ("Jamfile", r"constant FERRY_VERSION : (\S+) ;"),
    ("CHANGELOG.md", r"^## (\d\S*)"),
    ("packaging/vcpkg/vcpkg.json", r'"version-semver": "(\S+)"'),
    ("packaging/conan/conanfile.py", r'^    version = "(\S+)"'),
    ("include/ferry/config.hpp", r'#define FERRY_VERSION_STRING "(\S+)"'),
)
NUMBERS = r"#define FERRY_VERSION_MAJOR (\d+)\n" \
    r"#define FERRY_VERSION_MINOR (\d+)\n#define FERRY_VERSION_PATCH (\d+)\n"


def main() -> int:
    found = {}
    for name, pattern in PLACES:
        match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match[1] if match else "(none)"
    match = re.search(NUMBERS, (ROOT / "include/ferry/config.hpp").read_text(encoding="utf-8"))
    found["FERRY_VERSION_MAJOR, MINOR, PATCH"] = ".".join(match.groups()) if match else "(none)"
    expected = sys.argv[1] if len(sys.argv) > 1 else found["CMakeLists.txt"]
    wrong = {name: version for name, version in found.items() if version != expected}
    for name, version in wrong.items():
        print(f"{name}: version {version} instead of {expected}")
    print(f"version {expected}, named in {len(found)} places")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
