// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <condition_variable>
#include <mutex>

/// Threads wait here until it is opened. Its destructor opens it, and waits for those who are there:
/// a task may still be about to leave when the test that has opened it ends.
class gate {
public:
    gate() = default;
    ~gate() {
        std::unique_lock lock(mutex_);
        open_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return inside_ == 0; });
    }
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

    void open() {
        // Under the lock, since who passes may destroy the gate.
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++inside_;
        changed_.wait(lock, [this] { return open_; });
        if (--inside_ == 0)
            changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int inside_ = 0;
};
