// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/alone.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/timer_queue.hpp>
#include <ferry/executor.hpp>

#include <functional>
#include <optional>
#include <stop_token>
#include <tuple>
#include <typeinfo>

namespace ferry::detail {

/// A state that still stands in the queue of `home` was claimed by somebody else.
void left_queue(pool_core& home, bool cancelled) noexcept;
/// A claimed state was taken from the queue of its home.
void taken_stale(shared_state_base& task) noexcept;
/// True when the calling thread is a worker of `core`.
bool on_worker_of(const pool_core* core) noexcept;

/// Marks `task` as running on this thread for as long as it lives.
class running_scope {
public:
    explicit running_scope(shared_state_base& task) noexcept;
    ~running_scope();
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;

    /// The task is over: tells the worker that runs it before its outcome becomes visible.
    /// `busy`: user code follows.
    void finished(bool failed, bool busy) noexcept;
    /// True when the calling thread is inside `task`.
    static bool contains(const shared_state_base& task) noexcept;

private:
    shared_state_base& task_;
    running_scope* outer_;
};

/// What a task needs that does not depend on its types.
template <class R>
class task_base : public shared_state<R> {
public:
    std::string label() const override {
        return this->extra != nullptr && !this->extra->label.empty() ? this->extra->label
                                                                     : demangle(type().name());
    }

protected:
    virtual const std::type_info& type() const noexcept = 0;

    /// The error of one that did not start by its `start_by`.
    std::exception_ptr start_expiry() const {
        return make_error<timeout_error>("the task '" + label() + "' did not start in time");
    }
};

/// Callable, arguments and outcome in one block. The callable is destroyed before the outcome is
/// published; `work_` lives while the state is pending, and while the call runs.
template <class R, bool Stop, class F, class... A>
class task : public task_base<R> {
public:
    template <class F2, class... A2>
    explicit task(F2&& f, A2&&... a) : work_(std::forward<F2>(f), std::forward<A2>(a)...) {}
    ~task() override {
        if (this->current() == status::pending)
            std::destroy_at(&work_);
    }

    void run() override {
        if (this->try_start())
            execute(true);
        else
            shared_state_base::run();
    }

    bool request_stop() noexcept override {
        if constexpr (Stop) {
            if (this->current() == status::running) {
                stop_.request_stop();
                return true;
            }
        }
        return false;
    }

    void on_timer(timer_purpose purpose) noexcept override {
        if (purpose == timer_purpose::start_by) {
            this->fail(this->start_expiry(), false);
        } else if (this->claim(true)) {
            if constexpr (Stop)
                stop_.request_stop();
            this->fail_claimed(make_error<timeout_error>("the task '" + this->label() + "' ran longer than its time-out"));
        }
    }

protected:
    void check_wait() const override {
        if (running_scope::contains(*this))
            throw would_deadlock("the task '" + this->label() + "' waits for itself");
    }

private:
    struct no_stop {};

    void execute(bool release) {
        // Keeps the block while the call of a task that timed out goes on.
        const boost::intrusive_ptr<task> keep(
            this->extra != nullptr || !release ? this : nullptr);
        running_scope scope(*this);
        const bool timed = start_timer();
        std::exception_ptr error;
        try {
            this->store_result([this]() -> R { return call(); });
        } catch (...) {
            error = std::current_exception();
            if (error == nullptr) { // forced unwinding, which goes on
                std::destroy_at(&work_);
                finish(scope, timed, release,
                       make_error<broken_promise>("the thread that ran the task '" +
                                                  this->label() + "' was ended"));
                throw;
            }
        }
        std::destroy_at(&work_);
        finish(scope, timed, release, std::move(error));
    }

    void finish(running_scope& scope, bool timed, bool release, std::exception_ptr error) {
        const bool failed = error != nullptr;
        if (timed) {
            disarm_timer(*this);
            if (!this->claim(true)) { // the time-out was first
                if (!failed)
                    std::destroy_at(&this->value());
                scope.finished(true, false);
                if (release)
                    intrusive_ptr_release(this);
                return;
            }
        }
        if (failed)
            this->error_ = std::move(error);
        const auto ring = this->close();
        scope.finished(failed, ring.user_code);
        this->announce(failed ? status::error : status::value, ring, release);
    }

    bool start_timer() {
        if (this->extra == nullptr)
            return false;
        if (this->extra->start_by)
            static_cast<void>(disarm_timer(*this));
        if (const auto at = this->extra->limit.deadline()) {
            arm_timer(*this, *at, timer_purpose::run_time);
            return true;
        }
        return false;
    }

    R call() {
        return std::apply(
            [&](F& f, A&... a) -> R {
                if constexpr (Stop)
                    return std::invoke(std::move(f), stop_.get_token(), std::move(a)...);
                else
                    return std::invoke(std::move(f), std::move(a)...);
            },
            work_);
    }

    const std::type_info& type() const noexcept override { return typeid(F); }
    void drop_work() noexcept override {
        if (this->current() != status::pending)
            return;
        if (this->extra != nullptr)
            disarm_timer(*this);
        std::destroy_at(&work_);
    }
    bool help() final {
        if (this->current() != status::pending || !on_worker_of(this->home) ||
            !this->start_in_queue())
            return false;
        const as_if_alone alone;
        execute(false);
        return this->done();
    }
    union {
        std::tuple<F, A...> work_;
    };
    [[no_unique_address]] std::conditional_t<Stop, std::stop_source, no_stop> stop_;
};

template <class F, class... A>
using task_for = task<call_result_t<F, A...>, takes_stop_token<F, A...>, std::decay_t<F>,
                      std::decay_t<A>...>;

} // namespace ferry::detail
