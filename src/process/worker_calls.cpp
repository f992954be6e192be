// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a worker process calls before its first task and after its last one.
#include "worker_process.hpp"

#include <ferry/process/detail/code.hpp>
#include <ferry/unhandled.hpp>

#include "support/futex.hpp"
#include "worker_exit.hpp"

#include <algorithm>
#include <cstdio>

namespace ferry::detail {

void worker_process::initialise(const wire::frame& f) {
    byte_sink out(store_);
    const bool succeeded = call(f, out, {});
    end_copy();
    tasks_->release();
    // The pool does not use this mapping again, whether the program keeps a part of it or not.
    static_cast<void>(keeps_arguments());
    if (succeeded) {
        got_start_call();
        return;
    }
    send({0, wire::frame_kind::not_ready, 0, 0},
         out.bytes().first(std::min(out.size(), wire::max_body)), {});
    leave(wire::exit_not_ready);
}

void worker_process::got_start_call() {
    if (--start_calls_ == 0)
        say_ready();
}

// Copies all that the finalizer needs, because neither the frame nor the mapping of its arguments
// stays until it is called.
void worker_process::keep_finalizer(const wire::frame& f) {
    byte_source in(f.body);
    auto what = in.get<wire::run_body>();
    static_cast<void>(in.take(what.path_size));
    auto arguments = f.body.last(in.remaining());
    std::shared_ptr<segment> shared;
    if (what.in_segment != 0) {
        const auto ref = in.get<wire::segment_ref>();
        shared = find_segment(ref);
        arguments = {shared->data(), ref.size};
    }
    const auto path = f.body.subspan(sizeof what, what.path_size);
    what.in_segment = 0;
    for (const auto part : {std::as_bytes(std::span(&what, 1)), path, arguments})
        finalizer_.insert(finalizer_.end(), part.begin(), part.end());
    tasks_->release();
    got_start_call();
}

void worker_process::retire() {
    std::fflush(stdout);
    auto& sleeps = memory_->tasks.reader_sleeps;
    for (;;) {
        sleeps.store(1);
        if (memory_->leave.load() != 0)
            leave_in_order();
        futex_wait(reinterpret_cast<std::uint32_t*>(&sleeps), 1, std::nullopt, futex_scope::shared);
    }
}

void worker_process::leave_in_order() {
    if (!finalizer_.empty()) {
        must_return guard;
        byte_sink out(store_);
        try {
            invoke(finalizer_, out, {});
        } catch (...) {
            report_or_unwind();
        }
        guard.returned = true;
    }
    end_copy();
    leave(0);
}

void worker_process::say_ready() {
    const std::uint64_t identity = program_identity();
    send({0, wire::frame_kind::ready, 0, 0}, std::as_bytes(std::span(&identity, 1)), {});
}

} // namespace ferry::detail
