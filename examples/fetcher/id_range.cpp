// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "id_range.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace fetcher {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text.size() > 18 || error != std::errc() ||
        end != text.data() + text.size())
        return std::nullopt;
    return value;
}

id_range parse_part(const std::string& part) {
    id_range result;
    const std::string_view view = part;
    const auto dash = view.find('-');
    const auto first = number(view.substr(0, dash));
    const auto last = dash == std::string_view::npos ? std::nullopt : number(view.substr(dash + 1));
    if (!first || !last) {
        result.word = part;
        return result;
    }
    if (*last < *first)
        throw std::invalid_argument("id range '" + part + "' runs backwards");
    result.first = *first;
    result.last = *last;
    result.width = dash > 1 && part[0] == '0' ? dash : 0;
    return result;
}

} // namespace

std::string id_range::at(std::uint64_t n) const {
    if (!is_range())
        return word;
    std::string text = std::to_string(first + n);
    text.insert(0, width - std::min(width, text.size()), '0');
    return text;
}

std::vector<id_range> parse_ids(const std::string& list) {
    std::vector<id_range> result;
    for (std::size_t begin = 0; begin <= list.size();) {
        const auto comma = std::min(list.find(',', begin), list.size());
        const std::string part = list.substr(begin, comma - begin);
        if (part.empty())
            throw std::invalid_argument("'" + list + "' has an empty id");
        result.push_back(parse_part(part));
        begin = comma + 1;
    }
    return result;
}

} // namespace fetcher
