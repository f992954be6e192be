// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "task_writer.hpp"

#include "support/futex.hpp"

#include <cstring>

namespace ferry::detail {

bool task_writer::reserve(const code_ref& entry, call_kind how, std::string_view context,
                          std::span<const std::byte> arguments, const segment* shared) noexcept {
    const wire::segment_ref ref{shared != nullptr ? shared->id() : 0, arguments.size()};
    if (shared != nullptr)
        arguments = std::as_bytes(std::span(&ref, 1));
    wire::run_body body;
    body.module = entry.module;
    body.offset = entry.offset;
    body.path_size = static_cast<std::uint16_t>(entry.path.size());
    body.takes_stop_token = how.stops;
    body.in_segment = shared == nullptr ? 0 : shared->is_sealed() ? 2 : 1;
    body.reports = how.reports;
    body.context_size = static_cast<std::uint32_t>(context.size());
    size_ = static_cast<std::uint32_t>(sizeof body + entry.path.size() + context.size() +
                                       arguments.size());
    std::byte* at = frames_.reserve(size_);
    if (at == nullptr)
        return false;
    const auto put = [&at](const void* data, std::size_t n) {
        if (n != 0)
            std::memcpy(at, data, n);
        at += n;
    };
    put(&body, sizeof body);
    put(entry.path.data(), entry.path.size());
    put(context.data(), context.size());
    put(arguments.data(), arguments.size());
    return true;
}

void task_writer::publish(wire::frame_kind kind, std::uint16_t slot,
                          std::uint64_t number) noexcept {
    if (frames_.publish({size_, kind, slot, number}))
        wake();
}

void task_writer::request_exit() noexcept {
    memory_.leave.store(1);
    memory_.tasks.reader_sleeps.store(0);
    wake();
}

void task_writer::wake() noexcept {
    futex_wake(reinterpret_cast<std::uint32_t*>(&memory_.tasks.reader_sleeps), 1,
               futex_scope::shared);
}

} // namespace ferry::detail
