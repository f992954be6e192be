// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "settings.hpp"
#include "target_source.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fetcher {

enum class progress_kind { automatic, bar, lines, none };

/// What goes to standard output.
enum class output_kind {
    lines,  ///< one for each target, and a summary
    quiet,  ///< nothing
    json,   ///< one object for each target
    bodies, ///< what the servers sent
};

/// What the command line, the environment and the configuration file asked for.
struct options {
    std::string base_url;
    std::vector<std::string> arguments;
    std::vector<std::string> lists;

    request_settings request;
    body_settings body;
    retry_settings retry;
    lane_settings lanes;
    std::optional<std::chrono::milliseconds> total_timeout;
    bool fail_fast = false;

    output_kind output = output_kind::lines;
    std::string files; ///< a template for the files of the bodies; empty: there are none
    bool skip_existing = false;
    std::string journal;
    bool if_changed = false; ///< ask again for what the journal says is done, unless it is the same
    std::string metrics;
    progress_kind progress = progress_kind::automatic;
    bool demo = false;
};

/// Reads all of it; the command line comes before the environment, that before the file. Without a
/// value it was only a request for help or the like, which was printed. Throws `usage_error`.
std::optional<options> parse_options(int argc, char** argv);

} // namespace fetcher
