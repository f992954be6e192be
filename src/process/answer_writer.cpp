// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "answer_writer.hpp"

#include <ferry/process/detail/code.hpp>

#include "worker_exit.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <unistd.h>

namespace ferry::detail {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& value) noexcept {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace

void answer_writer::check_event() const {
    if (!wire::is_marked_event(answered_.get()))
        give_up("its event descriptor is not there: did a task close it?");
}

void answer_writer::write(wire::frame_header h, std::span<const std::byte> first,
                          std::span<const std::byte> second) {
    const std::size_t size = first.size() + second.size();
    std::byte* room = frames_.reserve(size);
    while (room == nullptr) { // until the pool has read earlier frames
        if (!frames_.sound())
            give_up("the positions of its answers were overwritten: did a task do it?");
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        room = frames_.reserve(size);
    }
    std::memcpy(room, first.data(), first.size());
    if (!second.empty())
        std::memcpy(room + first.size(), second.data(), second.size());
    h.size = static_cast<std::uint32_t>(size);
    // Checked before the frame is published, because an answer of which the pool cannot be told
    // would be noticed late.
    const bool checked = frames_.reader_sleeps();
    if (checked)
        check_event();
    if (!frames_.publish(h))
        return;
    if (!checked)
        check_event();
    const std::uint64_t one = 1;
    while (::write(answered_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void answer_writer::write_ready() {
    const std::uint64_t identity = program_identity();
    write({0, wire::frame_kind::ready, 0, 0}, bytes_of(identity));
}

void answer_writer::write_not_ready(std::span<const std::byte> error) {
    write({0, wire::frame_kind::not_ready, 0, 0},
          error.first(std::min(error.size(), wire::max_body)));
}

void answer_writer::write_progress(const wire::frame_header& task, double done,
                                   std::span<const std::byte> note) {
    const wire::progress_body body{done};
    write({0, wire::frame_kind::progress, task.slot, task.task}, bytes_of(body), note);
}

void answer_writer::write_outcome(const wire::frame_header& task, bool succeeded,
                                  const wire::answer_body& body,
                                  std::span<const std::byte> outcome) {
    const auto kind = succeeded ? wire::frame_kind::value : wire::frame_kind::error;
    write({0, kind, task.slot, task.task}, bytes_of(body), outcome);
}

} // namespace ferry::detail
