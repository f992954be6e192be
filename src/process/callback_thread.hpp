// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace ferry::detail {

/// A thread for what may take long, that is, callbacks and the decoding of large results; started
/// when it is first needed. Thread safety: safe.
class callback_thread {
public:
    /// `keep` lives as long as the thread.
    void post(std::function<void()> job, std::shared_ptr<void> keep);
    /// No more jobs: a later one runs where it is posted. Waits until all have run, unless the
    /// calling thread is the one that runs them.
    void finish();
    bool is_this_thread() const noexcept;

private:
    void run();

    std::mutex mutex_; // guards what follows
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    std::thread thread_;
    bool started_ = false;
    bool finished_ = false;
    bool ended_ = false;
};

/// Keeps signals away from the threads that the calling thread starts while it lives.
class signals_blocked {
public:
    signals_blocked() noexcept;
    ~signals_blocked();
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

private:
    sigset_t before_;
};

} // namespace ferry::detail
