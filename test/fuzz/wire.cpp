// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A fuzzer of the frame decoder: whatever the ring holds, frames stay within what was published.
#include "process/wire.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace wire = ferry::detail::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::vector<std::byte> ring(wire::ring_size);
    if (size < sizeof(std::uint32_t) || size > wire::ring_size)
        return 0;
    // Where in the ring the bytes start, so that they also cross its end.
    std::uint32_t start = 0;
    std::memcpy(&start, data, sizeof start);
    data += sizeof start;
    size -= sizeof start;
    start = start % wire::ring_size / 16 * 16;
    for (std::size_t i = 0; i < size; ++i)
        ring[(start + i) % wire::ring_size] = static_cast<std::byte>(data[i]);

    std::uint64_t position = start;
    const std::uint64_t end = position + size;
    wire::frame f;
    for (;;) {
        std::uint64_t length = 0;
        const auto d = wire::decode(ring, position, end - position, f, length);
        if (d != wire::decoded::frame)
            return 0;
        if (length == 0 || length > end - position || f.body.size() > wire::max_body ||
            f.body.data() < ring.data() ||
            f.body.data() + f.body.size() > ring.data() + ring.size() ||
            f.header.slot >= wire::slot_count)
            std::abort();
        position += length;
    }
}
