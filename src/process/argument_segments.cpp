// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "argument_segments.hpp"

#include "worker_exit.hpp"

#include <chrono>
#include <utility>

namespace ferry::detail {

void argument_segments::add(std::uint32_t id, const descriptor& file, std::size_t capacity) {
    {
        const annotated_lock lock(mutex_);
        segments_.add(id, file, capacity);
    }
    arrived_.notify_all();
}

void argument_segments::forget(std::uint32_t id) noexcept {
    const annotated_lock lock(mutex_);
    segments_.forget(id);
}

std::shared_ptr<segment> argument_segments::find(const wire::segment_ref& ref) {
    constexpr std::chrono::milliseconds one_wait(10);
    annotated_lock lock(mutex_);
    for (unsigned waits = 0; waits != shortage_patience / one_wait;) {
        if (auto s = segments_.find(ref.id, ref.size))
            return s;
        const auto until = std::chrono::steady_clock::now() + one_wait;
        waits += lock.wait_until(arrived_, until) == std::cv_status::timeout ? 1 : 0;
    }
    give_up("it had no room for an argument: are its descriptors or its memory used up?");
}

bool argument_segments::keeps_arguments() noexcept {
    const std::uint32_t id = std::exchange(in_call_, 0);
    if (id == 0)
        return false;
    const annotated_lock lock(mutex_);
    return segments_.forget_if_shared(id);
}

void argument_segments::forget_retired() noexcept {
    const annotated_lock lock(mutex_);
    segments_.forget_retired();
}

bool argument_segments::has_large() noexcept {
    const annotated_lock lock(mutex_);
    return segments_.has_large();
}

} // namespace ferry::detail
