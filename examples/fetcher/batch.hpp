// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "client.hpp"
#include "report.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>

namespace fetcher {

/// All the targets of a run, fetched concurrently. Used from a single thread.
class batch {
public:
    /// All are referred to and must outlive the batch.
    batch(client& fetching, report& telling) : client_(fetching), report_(telling) {}

    /// Fetches the targets of `settings` and returns when all are finished or given up: each has a
    /// coroutine, and the pool bounds how many are transferring. When `total_timeout` expires, what
    /// is not finished has failed.
    boost::asio::awaitable<void> run(const options& settings);

    /// Gives up what is not finished; `run` returns soon after.
    void interrupt();

    bool interrupted() const noexcept { return interrupted_; }

private:
    void finish(outcome result);
    void cancel_all();

    client& client_;
    report& report_;
    std::deque<boost::asio::cancellation_signal> signals_;
    boost::asio::steady_timer* done_ = nullptr;
    std::size_t pending_ = 0;
    bool interrupted_ = false;
};

} // namespace fetcher
