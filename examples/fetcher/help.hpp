// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace fetcher {

extern const char* const description;
/// What stands at the end of `--help`: examples, exit codes.
extern const char* const examples;

/// `text` in lines of at most 64 characters, as they stand in `--help` beside the options.
std::string wrapped(const std::string& text);

/// The program's version and libcurl's.
std::string version_text();

/// The program's completions for `bash`, `zsh` or `fish`, made from its options. Throws
/// `CLI::ValidationError` for another shell.
std::string completion(const CLI::App& app, const std::string& shell);

} // namespace fetcher
