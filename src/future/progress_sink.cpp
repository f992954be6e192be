// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/progress_sink.hpp>

#include <ferry/detail/scope_exit.hpp>
#include <ferry/unhandled.hpp>

#include <utility>

namespace ferry::detail {

void progress_sink::deliver(scoped_lock& lock, progress p) {
    delivering_ = true;
    lock.unlock();
    const scope_exit at_end([&]() FERRY_UNCHECKED {
        lock.lock();
        delivering_ = false;
    });
    try {
        on_progress_(std::move(p));
    } catch (...) {
        report_or_unwind();
    }
}

void progress_sink::report(double done, std::string_view note) {
    progress p{done, std::string(note)};
    scoped_lock lock(mutex_);
    if (closed_)
        return;
    kept_.reset();
    if (!delivering_ && gate_.opens(progress_gate::clock::now()))
        deliver(lock, std::move(p));
    else
        kept_ = std::move(p);
}

void progress_sink::keep(double done, std::string_view note) {
    progress p{done, std::string(note)};
    const scoped_lock lock(mutex_);
    if (!closed_)
        kept_ = std::move(p);
}

void progress_sink::flush() {
    scoped_lock lock(mutex_);
    if (kept_ && !delivering_ && gate_.opens(progress_gate::clock::now()))
        deliver(lock, *std::exchange(kept_, std::nullopt));
}

void progress_sink::close() {
    scoped_lock lock(mutex_);
    if (std::exchange(closed_, true))
        return;
    if (kept_ && !delivering_)
        deliver(lock, *std::exchange(kept_, std::nullopt));
}

} // namespace ferry::detail
