// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "fingerprint.hpp"

#include <cstring>

namespace ferry::detail {
namespace {

// Multiplies to 128 bits and folds the halves, as wyhash does: each bit of the product depends on
// all lower bits of both factors.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::uint64_t first = 0xa0761d6478bd642f, second = 0xe7037ed1a0b428db;

std::uint64_t mix(std::uint64_t hash, std::uint64_t a, std::uint64_t b) noexcept {
    return fold(a ^ first ^ hash, b ^ second);
}

} // namespace

std::uint64_t fingerprint(const code_ref& entry, std::span<const std::byte> arguments,
                          std::uint64_t seed) noexcept {
    std::uint64_t hash = mix(seed, entry.module, entry.offset);
    const std::byte* at = arguments.data();
    std::size_t left = arguments.size();
    std::uint64_t part[2];
    for (; left >= sizeof part; left -= sizeof part, at += sizeof part) {
        std::memcpy(part, at, sizeof part);
        hash = mix(hash, part[0], part[1]) ^ seed;
    }
    part[0] = part[1] = 0;
    if (left != 0)
        std::memcpy(part, at, left);
    hash = mix(hash, part[0], part[1]) ^ seed;
    hash = mix(hash, arguments.size(), seed);
    return hash != 0 ? hash : 1;
}

} // namespace ferry::detail
