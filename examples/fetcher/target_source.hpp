// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "id_range.hpp"
#include "line_reader.hpp"
#include "target.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace fetcher {

/// The command line cannot be used; the text names the argument at fault.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// All targets of a run, made one by one as they are asked for: those of the arguments, then those
/// of the lists.
/// Thread safety: unsafe; one thread at a time.
class target_source {
public:
    /// Opens the lists; `-` is standard input. Throws `usage_error`.
    target_source(const std::string& base_url, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& lists);

    /// The next targets, `most` at most; none at the end. Blocks while a list has no line, until
    /// `stop` is requested. Throws as `line_reader::read`.
    std::vector<target> read(std::size_t most, std::stop_token stop);

    /// How many targets there are in all, as far as that is known before the end.
    std::optional<std::uint64_t> total() const;
    bool at_end() const noexcept { return arguments_.empty() && lists_.empty(); }

private:
    struct argument {
        std::string url; // empty: ids
        id_range ids;
    };

    void read_argument(std::vector<target>& into);
    bool read_list(std::size_t most, std::vector<target>& into, const std::stop_token& stop);

    target_maker make_;
    std::deque<argument> arguments_;
    std::deque<line_reader> lists_;
    std::uint64_t position_ = 0; // within the first argument
    std::uint64_t number_ = 0;   // targets made
};

} // namespace fetcher
