// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ferry::detail {

/// The number of bytes of the valid UTF-8 sequence that the text begins with, or 0.
inline std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty())
        return 0;
    if (byte(0) < 0x80)
        return 1;
    const std::size_t n = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
    if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < n)
        return 0;
    for (std::size_t i = 1; i < n; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    }
    // Longer than necessary, a surrogate, or beyond the last character.
    if ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
        (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f))
        return 0;
    return n;
}

/// The same text with U+FFFD in place of each byte that is not part of valid UTF-8.
inline std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = utf8_length(text);
        valid += n != 0 ? text.substr(0, n) : "\xef\xbf\xbd";
        text.remove_prefix(n != 0 ? n : 1);
    }
    return valid;
}

} // namespace ferry::detail
