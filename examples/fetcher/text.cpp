// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace fetcher {
namespace {

/// One code point at the beginning of `text`, and how many bytes it takes; 0 bytes when they are no
/// valid UTF-8.
struct code_point {
    char32_t value = 0;
    std::size_t bytes = 0;
};

code_point decode(std::string_view text) {
    const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(text[n]); };
    const unsigned first = byte(0);
    if (first < 0x80)
        return {first, 1};
    const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < bytes)
        return {};
    char32_t value = first & (0x7fu >> bytes);
    for (std::size_t n = 1; n < bytes; ++n) {
        if ((byte(n) & 0xc0) != 0x80)
            return {};
        value = value << 6 | (byte(n) & 0x3fu);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return {};
    return {value, bytes};
}

/// What a terminal would act upon, or what makes text look like something else.
bool is_dangerous(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/// How much of the beginning of `text` is plain ASCII, which there is nothing to see about.
std::size_t plain_prefix(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= 0x20 && text[n] < 0x7f)
        ++n;
    return n;
}

/// `text` with what is not plain rewritten: `other` appends what a code point becomes, whose bytes
/// it is given; of what is no UTF-8 one byte at a time.
template <class Other>
std::string rewritten(std::string_view text, Other other) {
    std::string result;
    result.reserve(text.size());
    for (;;) {
        const std::size_t plain = plain_prefix(text);
        result += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty())
            return result;
        const code_point next = decode(text);
        const std::size_t bytes = std::max<std::size_t>(next.bytes, 1);
        other(result, next, text.substr(0, bytes));
        text.remove_prefix(bytes);
    }
}

std::string escaped(char32_t c) {
    switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default:
        char text[16];
        std::snprintf(text, sizeof text, c < 0x100 ? "\\x%02x" : "\\u%04x",
                      static_cast<unsigned>(c));
        return text;
    }
}

bool is_secret(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    for (const char* word : {"token", "key", "secret", "passw", "pwd", "sig", "auth", "credential",
                             "session", "code", "jwt"})
        if (name.find(word) != std::string::npos)
            return true;
    return false;
}

} // namespace

std::string printable(std::string_view text) {
    return rewritten(text, [](std::string& out, const code_point& c, std::string_view bytes) {
        if (c.bytes == 0)
            out += escaped(static_cast<unsigned char>(bytes[0]));
        else if (is_dangerous(c.value))
            out += escaped(c.value);
        else
            out += bytes;
    });
}

bool has_controls(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string printable_json(std::string_view json) {
    return rewritten(json, [](std::string& out, const code_point& c, std::string_view bytes) {
        const auto escape = [&out](unsigned unit) {
            char text[8];
            std::snprintf(text, sizeof text, "\\u%04x", unit);
            out += text;
        };
        if (c.bytes == 0)
            escape(0xfffd);
        else if (!is_dangerous(c.value))
            out += bytes;
        else if (c.value < 0x10000)
            escape(c.value);
        else
            escape(0xd7c0 + (c.value >> 10)), escape(0xdc00 + (c.value & 0x3ff));
    });
}

std::string shortened(std::string text, std::size_t width) {
    if (text.size() <= width)
        return text;
    while (width > 0 && (static_cast<unsigned char>(text[width]) & 0xc0) == 0x80)
        --width;
    return text.substr(0, width) + "...";
}

std::string masked(std::string_view url) {
    std::string result;
    const auto scheme = url.find("://");
    const auto authority = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto path = std::min(url.find_first_of("/?#", authority), url.size());
    const auto at = url.substr(0, path).rfind('@');
    if (at != std::string_view::npos && at >= authority) {
        const auto colon = url.find(':', authority);
        result = url.substr(0, std::min(colon, at));
        result += colon < at ? ":***" : "";
        url.remove_prefix(at);
    }
    const auto query = url.find('?');
    if (query == std::string_view::npos)
        return result += url;
    result += url.substr(0, query);
    url.remove_prefix(query);
    while (!url.empty()) { // each part begins with its separator
        const auto end = std::min(url.find_first_of("&;#", 1), url.size());
        const auto part = url.substr(0, end);
        const auto equals = part.find('=');
        if (part[0] != '#' && equals != std::string_view::npos &&
            is_secret(std::string(part.substr(1, equals - 1))))
            result.append(part.substr(0, equals)).append("=***");
        else
            result += part;
        url.remove_prefix(end);
    }
    return result;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    const std::string_view units = "kmgt";
    unsigned shift = 0;
    if (!unit.empty()) {
        const auto at = units.find(static_cast<char>(std::tolower(unit[0])));
        const std::string_view rest = unit.substr(1);
        if (at == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "iB"))
            return std::nullopt;
        shift = static_cast<unsigned>(at + 1) * 10;
    }
    if (value > (UINT64_MAX >> 1) >> shift)
        return std::nullopt;
    return value << shift;
}

std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text) {
    // Not std::from_chars: its way with fractions would need a library more, in every run.
    if (text.empty() || text.find_first_not_of("0123456789.eE-") != std::string_view::npos)
        return std::nullopt;
    const std::string copy(text);
    char* end = nullptr;
    const double seconds = std::strtod(copy.c_str(), &end);
    if (end != copy.c_str() + copy.size() || seconds < 0.001 || seconds > 86'400)
        return std::nullopt;
    return std::chrono::round<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    std::size_t unit = 0;
    auto value = static_cast<double>(bytes);
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit)
        value /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
                  units[unit]);
    return text;
}

std::string percent_encoded(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x80 && std::isalnum(byte)) ||
            std::string_view("-._~").find(c) != std::string_view::npos) {
            result += c;
        } else {
            char code[4];
            std::snprintf(code, sizeof code, "%%%02X", byte);
            result += code;
        }
    }
    return result;
}

} // namespace fetcher
