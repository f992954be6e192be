// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "loop_lateness.hpp"
#include "observed.hpp"

#include <ferry/loop_watch.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ferry::detail {

class loop_thread;

/// A loop under watch; shared by its watch, the functions that it posts, and the thread.
///
/// Invariants: one function at most is pending. The context is posted to under the lock only, so
/// that it cannot end meanwhile. The report runs without the lock.
class watched_loop final : public observed, public std::enable_shared_from_this<watched_loop> {
public:
    watched_loop(boost::asio::io_context& context, loop_watch_options options);

    /// Lets the context tell when it ends.
    void start(boost::asio::io_context& context);
    /// What the watch's thread does.
    void watch();
    void stop() noexcept;
    void context_ended() noexcept;

    void read(all_figures& to) override;

private:
    using clock = loop_lateness::clock;
    struct known_thread {
        std::shared_ptr<loop_thread> thread; // has run one of the functions
        bool reported;                       // for the one that is pending
    };

    void ran();
    void post();
    void report_late_threads();
    late_loop describe(const loop_thread& thread) const;

    const loop_watch_options options_;
    loop_lateness lateness_; // of the watch's thread
    mutable std::mutex mutex_;
    // Guarded by the mutex.
    std::condition_variable changed_;
    boost::asio::io_context* context_;
    const void* key_ = nullptr; // what Asio calls the context in its lists
    std::vector<known_thread> threads_;
    clock::time_point posted_at_{};
    bool pending_ = false;
    bool stopped_ = false;
    histogram lags_;
    std::uint64_t late_ = 0;
};

} // namespace ferry::detail
