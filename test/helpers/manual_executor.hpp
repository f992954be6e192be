// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

/// An execution context whose functions run when the test says so.
class manual_context : public boost::asio::execution_context {
public:
    class executor_type;

    ~manual_context() {
        shutdown();
        destroy();
    }
    executor_type get_executor() noexcept;

    /// Waits for a function and runs it.
    void run_one() {
        std::function<void()> f;
        {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [this] { return !queue_.empty(); });
            f = std::move(queue_.front());
            queue_.pop_front();
        }
        running = true;
        f();
        running = false;
    }
    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return queue_.size();
    }

    bool running = false; // the thread that calls run_one is inside a function

private:
    friend class executor_type;
    void push(std::function<void()> f) {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(f));
        arrived_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<std::function<void()>> queue_;
};

class manual_context::executor_type {
    using blocking_t = boost::asio::execution::blocking_t;

public:
    explicit executor_type(manual_context& c) noexcept : context_(&c) {}

    manual_context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
    static constexpr blocking_t query(blocking_t) noexcept { return blocking_t::never; }
    executor_type require(blocking_t::never_t) const noexcept { return *this; }
    template <class F>
    void execute(F&& f) const {
        context_->push([shared = std::make_shared<std::decay_t<F>>(std::forward<F>(f))] {
            std::decay_t<F> function(std::move(*shared));
            function();
        });
    }
    friend bool operator==(executor_type, executor_type) noexcept = default;

private:
    manual_context* context_;
};

inline manual_context::executor_type manual_context::get_executor() noexcept {
    return executor_type(*this);
}
