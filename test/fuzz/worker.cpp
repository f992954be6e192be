// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A fuzzer of what a pool makes of what a worker can write: the positions of both rings, the frames
// in one of them, and the errors and values in those.
#include <ferry/process/exception.hpp>
#include <ferry/process/serialize.hpp>

#include "process/wire.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace detail = ferry::detail;
namespace wire = ferry::detail::wire;

namespace {

void decode_error(std::span<const std::byte> bytes) {
    detail::byte_source in(bytes);
    try {
        static_cast<void>(detail::get_exception(in));
    } catch (const std::exception&) {
    }
}

template <class T>
void decode_value(std::span<const std::byte> bytes) {
    detail::byte_source in(bytes);
    try {
        T value{};
        detail::input_archive ar(in);
        ar(value);
    } catch (const std::exception&) {
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto* const c = new wire::channel{};
    std::uint64_t positions[4];
    if (size < sizeof positions || size > wire::ring_size)
        return 0;
    std::memcpy(positions, data, sizeof positions);
    data += sizeof positions;
    size -= sizeof positions;

    // The ring to it: it may say anything of what it has read, and overwrite what was written.
    wire::ring_positions at{};
    wire::ring_writer writer(at, c->task_bytes.data());
    for (const std::uint64_t read : {positions[0], positions[1]}) {
        at.read.store(read);
        const std::size_t body = positions[2] % wire::max_body;
        if (std::byte* const room = writer.reserve(body)) {
            if (room < c->task_bytes.data() ||
                room + body > c->task_bytes.data() + c->task_bytes.size())
                std::abort();
            std::memset(room, 1, body);
            writer.publish({static_cast<std::uint32_t>(body), wire::frame_kind::run, 0, 1});
        }
        if (positions[3] % 2 != 0)
            at.written.store(positions[3]);
    }

    // The ring from it.
    std::memcpy(c->answer_bytes.data(), data, size);
    wire::ring_positions from{};
    wire::ring_reader reader(from, c->answer_bytes.data());
    from.written.store(positions[3] % 4 == 0 ? positions[3] : (size + 15) / 16 * 16);
    wire::frame f;
    while (reader.next(f) == wire::decoded::frame) {
        if (f.body.data() < c->answer_bytes.data() ||
            f.body.data() + f.body.size() > c->answer_bytes.data() + c->answer_bytes.size() ||
            f.header.slot >= wire::slot_count)
            std::abort();
        decode_error(f.body);
        decode_value<std::vector<std::string>>(f.body);
        decode_value<std::map<std::string, std::optional<std::vector<int>>>>(f.body);
    }
    decode_error({c->answer_bytes.data(), size});
    return 0;
}
