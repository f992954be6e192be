// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The shared mappings of a worker process: those that it has received, and its own.
#include "worker_process.hpp"

#include "worker_exit.hpp"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace ferry::detail {
namespace {

// A worker that is short of something for ten seconds gives up, since its tasks may have used it up:
// another worker has it again. Waits are counted instead of the time, which also passes while the
// process is stopped.
constexpr unsigned most_waits = 1000;
constexpr std::chrono::milliseconds one_wait(10);

} // namespace

// The pool has sent the mapping before the frame, so only a shortage keeps it from arriving.
std::shared_ptr<segment> worker_process::find_segment(const wire::segment_ref& ref) {
    annotated_lock lock(mutex_);
    for (unsigned waits = 0; waits != most_waits;) {
        if (auto s = segments_.find(ref.id, ref.size))
            return s;
        const auto until = std::chrono::steady_clock::now() + one_wait;
        waits += lock.wait_until(arrived_, until) == std::cv_status::timeout ? 1 : 0;
    }
    give_up("it had no room for an argument: are its descriptors or its memory used up?");
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

// Moves the payload into a mapping, if it is in none. While the pool still reads the other mappings,
// this waits however long that takes.
payload worker_process::share(payload p) {
    constexpr std::chrono::microseconds moment(100);
    for (unsigned refusals = 0; p.shared() == nullptr;) {
        if (segment_ptr s = store_.lend(p.size())) {
            std::memcpy(s->data(), p.bytes().data(), p.size());
            p = payload(std::move(s), p.size(), store_);
        } else {
            refusals = store_.is_exhausted() ? 0 : refusals + 1;
            if (refusals == most_waits * (one_wait / moment))
                give_up("it had no room for a result: are its descriptors or its memory used up?");
            std::this_thread::sleep_for(moment);
        }
    }
    return p;
}

} // namespace ferry::detail
