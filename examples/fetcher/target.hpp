// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "url.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fetcher {

/// One thing to fetch.
struct target {
    std::uint64_t number = 0; ///< counts from 1, in the order of the input
    std::string id;           ///< what it is called in the report
    std::string url;
    std::string host;   ///< `scheme://host:port`
    std::string method; ///< empty: what the settings say
    std::vector<std::string> headers;
    std::optional<std::string> body;
    std::string sha256; ///< that the body must have, in lower case; empty: any
    std::string output; ///< a template for the file; empty: what the settings say
    std::string error;  ///< why it cannot even be tried; otherwise empty
};

/// How a target comes from a word, a URL, or a line of a list. Thread safety: unsafe.
class target_maker {
public:
    /// An id is fetched from `base_url` with `{}` or `{id}` replaced by it, or else with `/` and it
    /// appended. May be empty.
    explicit target_maker(std::string base_url) : base_url_(std::move(base_url)) {}

    /// What is wrong shows in the target's `error`, and nowhere else.
    target of_id(std::string id);
    target of_url(const std::string& url);
    /// A URL, an id, or a JSON object with `url` or `id` and, as far as wanted, `method`,
    /// `headers`, `body`, `output` and `sha256`.
    target of_line(const std::string& line);

    bool has_base() const noexcept { return !base_url_.empty(); }

private:
    void of_json(const std::string& line, target& result);
    void aim(target& result, const std::string& url);

    std::string base_url_;
    url_reader urls_;
};

/// Whether it can be a header `Name: value` (or `Name;` or `Name:`, as curl has it): one line.
bool is_header(std::string_view text);
/// Whether it can be the method of a request.
bool is_method(std::string_view text);

} // namespace fetcher
