// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "settings.hpp"

#include <CLI/App.hpp>

#include <vector>

namespace fetcher {

/// Adds the options that are libcurl's, by a table; what they say goes to `settings`, which must
/// live until the command line was parsed. What libcurl could not use is refused while that is
/// parsed.
void add_curl_options(CLI::App& app, std::vector<curl_setting>& settings);

/// Hands a setting to a handle.
CURLcode apply(CURL* easy, const curl_setting& setting);

/// What each setting cannot know of the others. Throws `CLI::ValidationError`.
void check_together(const std::vector<curl_setting>& settings);

/// What the file contains (`-`: standard input). Throws `CLI::ValidationError`, which names
/// `option`.
std::string content_of(const std::string& file, const char* option);

/// `text`, or, when it begins with `@`, what the file of that name contains (`@-`: standard input).
/// Throws `CLI::ValidationError`, which names `option`.
std::string text_or_file(const std::string& text, const char* option);

} // namespace fetcher
