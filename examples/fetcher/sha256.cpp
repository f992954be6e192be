// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fetcher {
namespace {

constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

} // namespace

void sha256::add_block(const unsigned char* block) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t n = 0; n < 16; ++n)
        w[n] = std::uint32_t(block[4 * n]) << 24 | std::uint32_t(block[4 * n + 1]) << 16 |
               std::uint32_t(block[4 * n + 2]) << 8 | std::uint32_t(block[4 * n + 3]);
    for (std::size_t n = 16; n < 64; ++n) {
        const auto low = std::rotr(w[n - 15], 7) ^ std::rotr(w[n - 15], 18) ^ (w[n - 15] >> 3);
        const auto high = std::rotr(w[n - 2], 17) ^ std::rotr(w[n - 2], 19) ^ (w[n - 2] >> 10);
        w[n] = w[n - 16] + low + w[n - 7] + high;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t n = 0; n < 64; ++n) {
        const auto sum_e = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const auto first = h + sum_e + ((e & f) ^ (~e & g)) + round_constants[n] + w[n];
        const auto sum_a = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const auto second = sum_a + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const std::array<std::uint32_t, 8> more{a, b, c, d, e, f, g, h};
    for (std::size_t n = 0; n < 8; ++n)
        state_[n] += more[n];
}

void sha256::write(std::string_view data) {
    bytes_ += data.size();
    while (!data.empty()) {
        if (filled_ == 0 && data.size() >= block_.size()) {
            add_block(reinterpret_cast<const unsigned char*>(data.data()));
            data.remove_prefix(block_.size());
            continue;
        }
        const std::size_t part = std::min(data.size(), block_.size() - filled_);
        std::memcpy(block_.data() + filled_, data.data(), part);
        data.remove_prefix(part);
        filled_ += part;
        if (filled_ == block_.size()) {
            add_block(block_.data());
            filled_ = 0;
        }
    }
}

std::string sha256::finish() {
    const std::uint64_t bits = 8 * bytes_;
    std::string end(1,
                    '\x80'); // a one bit, zeros, and the length in the last eight bytes of a block
    end.append((block_.size() + 55 - filled_) % block_.size(), '\0');
    for (int shift = 56; shift >= 0; shift -= 8)
        end += static_cast<char>(bits >> shift & 0xff);
    write(end);
    std::string text;
    for (const std::uint32_t word : state_)
        for (int shift = 28; shift >= 0; shift -= 4)
            text += "0123456789abcdef"[word >> shift & 0xf];
    return text;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

} // namespace fetcher
