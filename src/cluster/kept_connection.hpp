// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "broker_address.hpp"
#include "connection.hpp"
#include "support/annotated_mutex.hpp"
#include "waking.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <thread>

namespace ferry::detail::cluster {

/// The connections to the broker that one thread makes, one after the other, and that other threads
/// may end.
///
/// Invariant: `current_` is the connection that the thread uses. The mutex is the last one that a
/// thread takes.
class kept_connection {
public:
    using clock = std::chrono::steady_clock;

    /// What the thread does. Called by it, without a lock.
    struct steps {
        std::function<bool()> is_done;
        /// Uses a connection until that ends, with an exception, or until all is done.
        std::function<void(connection&)> use;
        /// A connection could not be made, or has ended. `refused`: the broker has said no. False:
        /// it is of no use to try again.
        std::function<bool(const std::exception& why, bool refused)> lost;
        /// While there is no connection; when to call it again.
        std::function<clock::time_point()> pause;
    };

    /// The arguments live as long as this.
    kept_connection(const cluster_options& options, const broker_address& address,
                    const char* role);

    /// Makes and uses connections until all is done.
    void run(const steps& s) noexcept;
    /// The same in a thread of its own. Errors: `std::system_error`.
    void start(const char* thread_name, steps s);
    bool has_started() noexcept;
    /// In `use`: the broker has accepted what was declared, so that the next attempt follows soon.
    void is_of_use() noexcept { delay_.reset(); }
    /// Wakes the thread where it waits for something to do.
    wake_up& wake() noexcept { return wake_; }

    /// Ends what the thread is doing with a connection. Safe.
    void interrupt() noexcept;
    /// The same if the connection is dead; to be called by one other thread.
    void interrupt_if_dead() noexcept;
    /// Waits for the end of the thread, which is about to be done: what is left to be said is said,
    /// unless the broker does not listen for that long. Safe.
    void finish(std::chrono::milliseconds patience) noexcept;

private:
    const cluster_options& options_;
    const broker_address& address_;
    const char* const role_;
    reconnect_delay delay_; // of the thread
    wake_up wake_;
    annotated_mutex mutex_;
    std::condition_variable changed_; // the thread has ended
    connection* current_ FERRY_GUARDED_BY(mutex_) = nullptr;
    bool ended_ FERRY_GUARDED_BY(mutex_) = false;
    std::thread thread_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail::cluster
