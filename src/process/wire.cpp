// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "wire.hpp"

#include <ferry/detail/assert.hpp>

#include <csignal>
#include <cstring>

#include <fcntl.h>

namespace ferry::detail::wire {
namespace {

constexpr std::uint64_t padded(std::uint64_t size) noexcept {
    return (size + 15) & ~std::uint64_t(15);
}

} // namespace

decoded decode(std::span<const std::byte> ring, std::uint64_t position, std::uint64_t published,
               frame& f, std::uint64_t& length) noexcept {
    length = 0;
    if (published > ring.size())
        return decoded::malformed;
    while (published != 0) {
        const std::uint64_t offset = position % ring.size();
        const std::uint64_t to_end = ring.size() - offset;
        if (published < sizeof(frame_header) || to_end < sizeof(frame_header) || position % 16 != 0)
            return decoded::malformed;
        frame_header h; // a copy, which the other process cannot change after the check
        std::memcpy(&h, ring.data() + offset, sizeof h);
        const std::uint64_t whole = sizeof h + padded(h.size);
        if (whole > published || whole > to_end)
            return decoded::malformed;
        length += whole;
        if (h.kind != frame_kind::padding) {
            if (h.kind < frame_kind::run || h.kind > frame_kind::padding || h.size > max_body ||
                h.slot >= slot_count)
                return decoded::malformed;
            f = {h, ring.subspan(offset + sizeof h, h.size)};
            return decoded::frame;
        }
        position += whole;
        published -= whole;
    }
    return decoded::nothing;
}

std::byte* ring_writer::reserve(std::size_t size) noexcept {
    FERRY_ASSERT(size <= max_body);
    const std::uint64_t whole = sizeof(frame_header) + padded(size);
    std::uint64_t at = written_;
    if (!sound())
        return nullptr;
    const std::uint64_t used = at - read_;
    const std::uint64_t to_end = ring_size - at % ring_size;
    const std::uint64_t skipped = whole > to_end ? to_end : 0;
    if (skipped + whole > ring_size - used)
        return nullptr;
    if (skipped != 0) {
        const frame_header pad{static_cast<std::uint32_t>(skipped - sizeof(frame_header)),
                               frame_kind::padding, 0, 0};
        std::memcpy(memory_ + at % ring_size, &pad, sizeof pad);
        at += skipped;
    }
    start_ = at;
    return memory_ + at % ring_size + sizeof(frame_header);
}

bool ring_writer::publish(frame_header header) noexcept {
    FERRY_ASSERT(start_ % 16 == 0 && header.size <= max_body);
    FERRY_ASSERT(start_ % ring_size + sizeof header + padded(header.size) <= ring_size);
    std::memcpy(memory_ + start_ % ring_size, &header, sizeof header);
    written_ = start_ + sizeof header + padded(header.size);
    at_->written.store(written_, std::memory_order_seq_cst);
    return at_->reader_sleeps.load(std::memory_order_seq_cst) != 0 &&
           at_->reader_sleeps.exchange(0, std::memory_order_seq_cst) != 0;
}

bool ring_writer::sound() noexcept {
    const std::uint64_t read = at_->read.load(std::memory_order_acquire);
    if (read - read_ > written_ - read_ || read % 16 != 0 ||
        at_->written.load(std::memory_order_relaxed) != written_)
        return false;
    read_ = read;
    return true;
}

decoded ring_reader::next(frame& f) noexcept {
    const std::uint64_t published = at_->written.load(std::memory_order_acquire) - position_;
    std::uint64_t length = 0;
    const decoded d = decode({memory_, ring_size}, position_, published, f, length);
    position_ += length;
    return d;
}

bool ring_reader::prepare_sleep() noexcept {
    release();
    at_->reader_sleeps.store(1, std::memory_order_seq_cst);
    if (at_->written.load(std::memory_order_seq_cst) == position_)
        return true;
    at_->reader_sleeps.store(0, std::memory_order_seq_cst);
    return false;
}

// The mark is the number of a signal that the kernel never sends, because O_ASYNC is not set. It is
// the cheapest property to read that distinguishes one event descriptor from another.
void mark_event(int event) noexcept { ::fcntl(event, F_SETSIG, SIGRTMAX - 1); }
bool is_marked_event(int event) noexcept { return ::fcntl(event, F_GETSIG) == SIGRTMAX - 1; }

} // namespace ferry::detail::wire
