// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "gate.hpp"

#include <ferry/thread_pool.hpp>

#include <thread>
#include <utility>

template <class Condition>
void until(Condition c) {
    while (!c())
        std::this_thread::yield();
}

/// One worker that stays in a task until it is released.
struct busy_pool {
    explicit busy_pool(ferry::thread_pool_options o) : pool((o.max_workers = 1, std::move(o))) {
        do { // it may expire itself before a worker is there
            blocker = pool.submit([this] { go.pass(); });
            until([this] { return blocker.running() || blocker.done(); });
        } while (!blocker.running());
    }
    ~busy_pool() { go.open(); }

    gate go;
    ferry::thread_pool pool;
    ferry::future<void> blocker;
};
