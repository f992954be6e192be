// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The shared mappings of a worker process: those that it got, and its own.
#include "worker_process.hpp"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace ferry::detail {

std::shared_ptr<segment> worker_process::find_segment(const wire::segment_ref& ref) {
    annotated_lock lock(mutex_);
    for (;;) { // it was announced before, so it arrives, or the process ends
        if (auto s = segments_.find(ref.id, ref.size))
            return s;
        lock.wait(arrived_);
    }
}

bool worker_process::keeps_arguments() noexcept {
    const std::uint32_t id = std::exchange(arguments_in_, 0);
    const annotated_lock lock(mutex_);
    return id != 0 && segments_.forget_if_shared(id);
}

// Gives memory back that was needed for something larger than what came since.
void worker_process::trim() noexcept {
    segment_store::let_go gone;
    while (store_.trim(wire::now_ns(), gone))
        announced_.forget(gone.id);
    const annotated_lock lock(mutex_);
    segments_.forget_retired();
}

bool worker_process::has_large_segments() noexcept {
    if (store_.has_large())
        return true;
    const annotated_lock lock(mutex_);
    return segments_.has_large();
}

// Puts it into a mapping, where it is in none, as soon as there is a free one.
payload worker_process::share(payload p) {
    while (p.shared() == nullptr) {
        if (segment_ptr s = store_.lend(p.size())) {
            std::memcpy(s->data(), p.bytes().data(), p.size());
            p = payload(std::move(s), p.size(), store_);
        } else {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }
    return p;
}

} // namespace ferry::detail
