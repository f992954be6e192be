// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fetcher {

/// One thing to fetch: how it is called in the report, and where it is.
struct target {
    std::string id;
    std::string url;
};

/// What the command line asked for.
struct options {
    std::vector<target> targets;
    unsigned jobs = 10;
    std::chrono::milliseconds timeout{10'000};
    std::optional<std::chrono::milliseconds> total_timeout;
    unsigned retries = 2;
    std::chrono::milliseconds backoff{200};
    std::string user_agent = "ferry-fetcher/1.0";
    bool direct = false; ///< ignore the proxy settings of the environment
    bool demo = false;
};

/// The command line cannot be used; the text is one line that names the argument at fault.
class usage_error : public std::runtime_error {
public:
    /// Control characters of `text` become spaces.
    explicit usage_error(const std::string& text);
};

/// Reads the command line. Without a value it was only a request for help, which was printed.
/// Throws `usage_error`.
std::optional<options> parse_options(int argc, char** argv);

/// The targets that `argument` (an id, a range of ids, a list of both, or a URL) stands for.
/// Throws `usage_error`.
std::vector<target> parse_targets(const std::string& argument, const std::string& base_url);

} // namespace fetcher
