// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "rounds.hpp"

#include <ferry/thread_pool.hpp>

#include <memory>

namespace stress {

/// Counts the runs of a callable, and tells when it is gone.
class job {
public:
    auto callable() {
        return [n = runs_] { return ++*n; };
    }
    int runs() const { return *runs_; }
    bool gone() const { return runs_.use_count() == 1; }

private:
    std::shared_ptr<std::atomic<int>> runs_ = std::make_shared<std::atomic<int>>(0);
};

/// A task in the queue of a pool, behind one that keeps its only worker busy until `go`.
struct plugged : job {
    explicit plugged(ferry::thread_pool& pool, ferry::task_options options = {})
        : plug(pool.submit([this] { await(go); })), f(pool.submit(options, callable())) {}
    plugged(const plugged&) = delete;

    std::atomic<bool> go{false};
    ferry::future<void> plug;
    ferry::future<int> f;
};

/// Waits until the pool has nothing to do any more, and thus uses nothing of the round.
inline bool quiet(const ferry::thread_pool& pool) {
    return await([&] {
        const ferry::pool_stats s = pool.stats();
        return s.queued + s.running == 0;
    });
}

} // namespace stress
