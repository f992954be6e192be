// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "kept_connection.hpp"

#include <ferry/detail/scope_exit.hpp>

#include "process/signals_blocked.hpp"

#include <algorithm>
#include <pthread.h>
#include <utility>

namespace ferry::detail::cluster {

kept_connection::kept_connection(const cluster_options& options, const broker_address& address,
                                 const char* role)
    : options_(options), address_(address), role_(role), delay_(*options.heartbeat.limit()) {}

void kept_connection::run(const steps& s) noexcept {
    while (!s.is_done()) {
        try {
            connection c(options_, address_, role_);
            {
                const annotated_lock lock(mutex_);
                current_ = &c;
            }
            const scope_exit at_end([this] {
                const annotated_lock lock(mutex_);
                current_ = nullptr;
            });
            s.use(c);
        } catch (const connection_error& e) {
            if (!s.lost(e, e.refused()))
                break;
        } catch (const std::exception& e) { // no password, or no memory: not for the broker to say
            if (!s.lost(e, false))
                break;
        }
        const auto until = clock::now() + delay_.next();
        while (!s.is_done() && clock::now() < until) {
            wake_.clear();
            const auto again = s.pause();
            if (!s.is_done())
                wake_.wait_until(std::min(until, again));
        }
    }
}

void kept_connection::start(const char* thread_name, steps s) {
    const signals_blocked quiet;
    const annotated_lock lock(mutex_);
    thread_ = std::thread([this, thread_name, s = std::move(s)]() mutable {
        pthread_setname_np(pthread_self(), thread_name);
        run(s);
        const annotated_lock lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    });
}

bool kept_connection::has_started() noexcept {
    const annotated_lock lock(mutex_);
    return thread_.joinable();
}

void kept_connection::interrupt() noexcept {
    const annotated_lock lock(mutex_);
    if (current_ != nullptr)
        current_->interrupt();
}

void kept_connection::interrupt_if_dead() noexcept {
    const annotated_lock lock(mutex_);
    if (current_ != nullptr)
        current_->interrupt_if_dead();
}

void kept_connection::finish(std::chrono::milliseconds patience) noexcept {
    std::thread ended;
    {
        annotated_lock lock(mutex_);
        if (!thread_.joinable())
            return;
        for (auto until = clock::now() + patience; !ended_;) {
            if (lock.wait_until(changed_, until) == std::cv_status::no_timeout || ended_)
                continue;
            if (current_ != nullptr)
                current_->interrupt();
            until = clock::now() + std::chrono::milliseconds(100);
        }
        ended.swap(thread_);
    }
    if (ended.joinable())
        ended.join();
}

} // namespace ferry::detail::cluster
