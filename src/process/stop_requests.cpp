// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "stop_requests.hpp"

#include "own_limits.hpp"
#include "signals_blocked.hpp"

#include <exception>
#include <thread>

namespace ferry::detail {

std::stop_token stop_requests::begin(std::uint64_t task) {
    const annotated_lock lock(mutex_);
    task_ = task;
    return source_.emplace().get_token();
}

void stop_requests::end() noexcept {
    const annotated_lock lock(mutex_);
    task_ = 0;
    source_.reset();
}

void stop_requests::request(std::uint64_t task) {
    std::optional<std::stop_source> source;
    {
        const annotated_lock lock(mutex_);
        if (task == task_)
            source = source_;
    }
    if (!source)
        return;
    try {
        const limits_lifted own;
        const signals_blocked quiet;
        std::thread([mine = *source]() mutable { mine.request_stop(); }).detach();
    } catch (const std::exception&) { // a shortage: no thread can be started
        source->request_stop();
    }
}

} // namespace ferry::detail
