// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace fetcher {

/// The arguments of the program, after those that the configuration file (`--config FILE` or
/// `FETCHER_CONFIG`) and the environment (`FETCHER_JOBS` for `--jobs`, and so on) stand for: of
/// options that can have one value, the last one counts. With `--demo` there are only the
/// arguments. Throws `CLI::ParseError`.
std::vector<std::string> with_other_sources(int argc, char** argv, const CLI::App& app);

/// The options that a file's text stands for: lines `name = value`, or `name` for a flag; `#`
/// begins a comment. Throws `CLI::ParseError`, which names the line.
std::vector<std::string> parse_config(const std::string& text);

} // namespace fetcher
