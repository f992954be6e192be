// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fetcher {

/// SHA-256 (FIPS 180-4) of what is written to it. Thread safety: unsafe.
class sha256 {
public:
    void write(std::string_view data);
    /// Of all that was written, in lower-case hexadecimal digits. Nothing can be written
    /// afterwards.
    std::string finish();

private:
    void add_block(const unsigned char* block);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> block_{};
    std::size_t filled_ = 0; // of block_
    std::uint64_t bytes_ = 0;
};

/// Whether it can be what `finish` returns, in capital letters or not.
bool is_sha256(std::string_view text);

} // namespace fetcher
