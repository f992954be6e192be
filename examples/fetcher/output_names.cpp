// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "output_names.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace fetcher {
namespace {

/// FNV-1a over the parts that make a difference, and a last mixing of the bits; never 0.
std::uint64_t hash_of(std::string_view path) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto mix = [&hash](std::string_view text) {
        for (const unsigned char c : text)
            hash = (hash ^ c) * 0x100000001b3;
    };
    for (std::size_t begin = 0; begin < path.size();) {
        const auto slash = std::min(path.find('/', begin), path.size());
        const auto part = path.substr(begin, slash - begin);
        begin = slash + 1;
        if (part.empty() || part == ".")
            continue;
        mix("/");
        mix(part);
    }
    hash = (hash ^ (hash >> 31)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
    return std::max<std::uint64_t>(hash, 1);
}

} // namespace

bool output_names::take(const std::string& path) {
    if (2 * (size_ + 1) > slots_.size())
        grow();
    const std::uint64_t hash = hash_of(path);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask)
        if (slots_[at] == hash)
            return false;
    insert(hash);
    ++size_;
    return true;
}

void output_names::insert(std::uint64_t hash) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0)
        at = (at + 1) & mask;
    slots_[at] = hash;
}

void output_names::grow() {
    const auto old = std::exchange(
        slots_, std::vector<std::uint64_t>(std::max<std::size_t>(2 * slots_.size(), 64)));
    for (const std::uint64_t each : old)
        if (each != 0)
            insert(each);
}

} // namespace fetcher
