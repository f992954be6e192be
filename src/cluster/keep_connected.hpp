// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/scope_exit.hpp>

#include "cluster_core.hpp"

#include <algorithm>
#include <exception>

namespace ferry::detail::cluster {

// Makes one connection after the other, until the pool is done or the broker refuses it.
template <class Use>
void cluster_core::keep_connected(const char* role, connection*& current, Use use) noexcept {
    reconnect_delay delay(*options_.heartbeat.limit());
    wake_up& wake = &current == &publishing_ ? wake_publisher_ : wake_consumer_;
    const auto is_done = [this] {
        const lock_type lock(mutex_);
        return done_;
    };
    while (!is_done()) {
        try {
            connection c(options_, address_, role);
            {
                const lock_type lock(mutex_);
                current = &c;
            }
            const scope_exit at_end([&] {
                const lock_type lock(mutex_);
                current = nullptr;
            });
            use(c, delay);
        } catch (const connection_error& e) {
            if (e.refused()) {
                mark_broken(e.what());
                break;
            }
            const lock_type lock(mutex_);
            last_error_ = e.what();
            ++failed_connects_;
        } catch (const std::exception& e) {
            // No password, or no memory: neither is for the broker to say.
            const lock_type lock(mutex_);
            last_error_ = e.what();
            ++failed_connects_;
        }
        const auto until = clock::now() + delay.next();
        while (!is_done() && clock::now() < until) {
            wake.clear();
            const bool watches = &current == &consuming_;
            if (watches)
                watch_time();
            interrupt_if_dead(watches ? publishing_ : consuming_);
            if (!is_done())
                wake.wait_until(watches ? std::min(until, next_time()) : until);
        }
    }
    const lock_type lock(mutex_);
    --threads_;
    changed_.notify_all();
}

} // namespace ferry::detail::cluster
