// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The shared mappings of a worker process: those that it has received, and its own.
#include "worker_process.hpp"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace ferry::detail {

std::shared_ptr<segment> worker_process::find_segment(const wire::segment_ref& ref) {
    annotated_lock lock(mutex_);
    for (;;) { // the pool has sent it before the frame, so it arrives, or the process ends
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

// Returns memory to the system that was needed for larger values than those that came since.
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

// Moves the payload into a mapping, if it is in none. Waits until one can be had.
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
