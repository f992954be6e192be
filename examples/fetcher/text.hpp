// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fetcher {

/// `text` as one line that a terminal only shows: controls (C0, DEL, C1), line and paragraph
/// separators, what changes the direction of writing, and bytes that are no UTF-8 become escapes
/// such as `\n`, `\x1b` and `\u202e`.
std::string printable(std::string_view text);

/// Whether there is a control character of ASCII in it.
bool has_controls(std::string_view text);

/// JSON text that stays the same JSON, and that a terminal only shows: the same characters as
/// escapes of JSON, and U+FFFD for what is no UTF-8.
std::string printable_json(std::string_view json);

/// The first `width` bytes of it and `...`; never cuts a UTF-8 sequence.
std::string shortened(std::string text, std::size_t width);

/// A URL without its secrets: the password, and the values of query parameters that are called
/// `token`, `api_key` and the like, become `***`.
std::string masked(std::string_view url);

/// `10`, `64k`, `10M`, `1G` (powers of 1024); nothing for anything else.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// Seconds, from a millisecond to a day, as milliseconds; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text);

/// `1.5 MB`, in powers of 1000.
std::string size_text(std::uint64_t bytes);

/// The bytes of a URL's path or query that stand for `text`: all but letters, digits and `-._~` as
/// `%XX`.
std::string percent_encoded(std::string_view text);

} // namespace fetcher
