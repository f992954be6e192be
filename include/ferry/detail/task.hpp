// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/executor.hpp>

#include <optional>

namespace ferry::detail {

class pool_core;

/// A unit of work as the pool's queue sees it.
/// Invariants: `next_task` belongs to the pool's lock. `home` is constant once queued.
class runnable {
public:
    /// Claims and runs; nothing when somebody was first. Never throws.
    virtual void run() noexcept = 0;
    /// Gives the work up unrun: cancelled, or failed with the error where there is one.
    virtual void abandon(std::exception_ptr error) noexcept = 0;
    virtual bool started() const noexcept = 0;
    /// Ends the queue's share of ownership.
    virtual void release() noexcept = 0;

    runnable* next_task = nullptr;
    pool_core* home = nullptr;

protected:
    ~runnable() = default;
};

/// True when the calling thread is a worker of `core`.
bool on_worker_of(const pool_core* core) noexcept;
/// Marks `task` as running on this thread for as long as it lives.
class running_scope {
public:
    explicit running_scope(const shared_state_base* task) noexcept;
    ~running_scope();
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;
    /// True when the calling thread is inside `task`.
    static bool contains(const shared_state_base* task) noexcept;

private:
    const shared_state_base* task_;
    running_scope* outer_;
};

/// Callable, arguments and outcome in one block. The callable is destroyed before the outcome is
/// published.
template <class R, bool Stop, class F, class... A>
class task final : public shared_state<R>, public runnable {
public:
    template <class F2, class... A2>
    explicit task(F2&& f, A2&&... a)
        : work_(std::in_place, std::forward<F2>(f), std::forward<A2>(a)...) {}

    void run() noexcept override {
        if (!this->try_start())
            return;
        const running_scope scope(this);
        std::exception_ptr error;
        try {
            this->store_result([this]() -> R { return call(); });
        } catch (...) {
            error = std::current_exception();
        }
        const bool mine = this->claim(true);
        work_.reset();
        if (!mine)
            return;
        if (error)
            this->fail_claimed(std::move(error));
        else
            this->publish(status::value);
    }

    void abandon(std::exception_ptr error) noexcept override {
        if (error)
            this->fail(std::move(error), false);
        else
            this->cancel();
    }
    bool started() const noexcept override { return this->current() != status::pending; }
    void release() noexcept override { intrusive_ptr_release(this); }

    bool request_stop() noexcept override {
        if constexpr (Stop) {
            if (this->current() == status::running) {
                stop_.request_stop();
                return true;
            }
        }
        return false;
    }

private:
    struct no_stop {};

    R call() {
        return std::apply(
            [&](F& f, A&... a) -> R {
                if constexpr (Stop)
                    return std::invoke(std::move(f), stop_.get_token(), std::move(a)...);
                else
                    return std::invoke(std::move(f), std::move(a)...);
            },
            *work_);
    }
    void drop_work() noexcept override { work_.reset(); }
    bool help() override {
        if (this->current() != status::pending || !on_worker_of(home))
            return false;
        run();
        return this->done();
    }
    void check_wait() const override {
        if (running_scope::contains(this))
            throw would_deadlock("a task waits for itself");
    }

    std::optional<std::tuple<F, A...>> work_;
    [[no_unique_address]] std::conditional_t<Stop, std::stop_source, no_stop> stop_;
};

template <class F, class... A>
using task_for = task<call_result_t<F, A...>, takes_stop_token<F, A...>, std::decay_t<F>,
                      std::decay_t<A>...>;

} // namespace ferry::detail
