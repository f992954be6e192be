// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/as_if_alone.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/timer_queue.hpp>
#include <ferry/offloadable.hpp>

#include <functional>
#include <optional>
#include <stop_token>
#include <tuple>
#include <typeinfo>

namespace ferry::detail {

class pool_core;
struct label_counts;

/// True when the calling thread is a worker of this pool.
FERRY_DECL bool on_worker_of(const task_owner* pool) noexcept;
FERRY_DECL bool on_worker_of(const pool_core* pool) noexcept;

/// True when the calling thread is a worker that has less than half of its stack left: it had
/// better wait than run something else meanwhile.
FERRY_DECL bool is_short_of_stack() noexcept;

/// Marks `task` as running on this thread for as long as it lives.
class FERRY_DECL running_scope : private running_frame {
public:
    explicit running_scope(shared_state_base& task) noexcept;
    ~running_scope();
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;

    /// What the worker does before it looks for the next task.
    enum class aftermath {
        user_code,  ///< code of the user, of unknown length
        completion, ///< what completes without it, and may still find some
        nothing     ///< a moment
    };
    /// The call is over: counts it, before its outcome becomes visible. Unless user code follows,
    /// the worker that runs the task can take the next one from now on.
    void finished(bool failed, aftermath what) noexcept;
    /// The done-callbacks have run: the worker lets go of the task, which may be gone from now on.
    void left() noexcept;
    /// The worker destroys the outcome, which nobody holds and whose destructor is the user's.
    /// `type` says whose result it is where the task has no label.
    void destroys_outcome(const std::type_info& type) noexcept;
    /// Names the task that the calling thread is in; for signal handlers.
    static void describe(note_text& out) noexcept;
    /// True when the calling thread is inside `task`.
    static bool contains(const shared_state_base& task) noexcept;
    /// The task that the calling thread is in; null outside of tasks.
    static const shared_state_base* innermost() noexcept;

private:
    static running_scope* innermost_scope() noexcept;

    label_counts* counts_ = nullptr; // of its label, where a worker runs it
    const optional_context_scope context_;
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

    /// The label of the task, or the place of its options, or else `callee`.
    task_label label_or(const task_label& callee) const noexcept {
        if (this->extra != nullptr) {
            if (!this->extra->label.empty())
                return task_label::of_text(this->extra->label);
            if (this->extra->where.line() != 0)
                return task_label::of_place(this->extra->where.file_name(),
                                            this->extra->where.line());
        }
        return callee;
    }

    /// The error of one that did not start by its `start_by`.
    std::exception_ptr start_expiry() const noexcept {
        return error_or_shortage([this] {
            return make_error<timeout_error>("the task '" + label() + "' did not start in time");
        });
    }
    /// The error of one that ran longer than its `timeout`.
    std::exception_ptr run_expiry() const noexcept {
        return error_or_shortage([this] {
            return make_error<timeout_error>("the task '" + label() +
                                             "' ran longer than its timeout");
        });
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
        FERRY_ASSERT(!this->is_claimed() || this->done()); // whoever claims it completes it
        if (this->current() == status::pending)
            std::destroy_at(&work_);
    }

    void run() override {
        if (late())
            this->fail(this->start_expiry(), false); // the timer is on its way
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

    bool on_timer(timer_purpose purpose) noexcept override {
        return purpose == timer_purpose::start_by ? expire_queued() : expire_running();
    }
    void expired() override {
        FERRY_ASSERT(this->is_claimed());
        if (this->extra->timer.purpose == timer_purpose::run_time) {
            if constexpr (Stop)
                stop_.request_stop();
            if (!this->done()) {
                this->extra->progress->close();
                this->publish(status::error);
                return;
            }
        } else if (!this->done()) { // its callable is still there
            std::destroy_at(&work_);
            this->publish(status::error);
            return;
        }
        if (continuation* const ring = std::exchange(this->extra->expiry.ring, nullptr))
            this->fire(ring);
    }

protected:
    void check_wait() const override {
        if (running_scope::contains(*this))
            throw would_deadlock("the task '" + this->label() + "' waits for itself");
    }

private:
    struct no_stop {};

    bool expire_queued() noexcept {
        if (!this->claim_queued())
            return false;
        this->error_ = this->start_expiry();
        if constexpr (!std::is_trivially_destructible_v<std::tuple<F, A...>>)
            return true;
        return complete_expired();
    }

    // The thread goes on; waiters are told at once, but after the last report.
    bool expire_running() noexcept {
        if (!this->claim(true))
            return false;
        this->error_ = this->run_expiry();
        return this->extra->progress != nullptr || complete_expired() || Stop;
    }

    // True if callbacks are left to run.
    bool complete_expired() noexcept {
        this->extra->expiry.ring = this->announce_apart(status::error).first;
        return this->extra->expiry.ring != nullptr;
    }

    // `release`: the queue's reference ends with the execution.
    void execute(bool release) {
        FERRY_ASSERT(this->current() == status::running);
        running_scope scope(*this);
        const bool timed = start_timer();
        std::exception_ptr error;
        try {
            this->store_result([this]() -> R { return call(); });
        } catch (...) {
            error = std::current_exception();
            if (error == nullptr) { // forced unwinding, which goes on
                std::destroy_at(&work_);
                finish(scope, timed, release, error_or_shortage([this] {
                           return make_error<broken_promise>("the thread that ran the task '" +
                                                             this->label() + "' was ended");
                       }));
                throw;
            }
        }
        std::destroy_at(&work_);
        finish(scope, timed, release, std::move(error));
    }

    using aftermath = running_scope::aftermath;
    void finish(running_scope& scope, bool timed, bool release, std::exception_ptr error) {
        const bool failed = error != nullptr;
        if (this->extra != nullptr && this->extra->progress != nullptr)
            this->extra->progress->close();
        if (timed) {
            disarm_timer(*this);
            if (!this->claim(true)) { // the timeout was first
                if (failed)
                    error = nullptr;
                else
                    std::destroy_at(&this->value());
                scope.finished(true, aftermath::completion);
                if (release)
                    intrusive_ptr_release(this);
                return;
            }
        }
        FERRY_ASSERT(this->is_claimed() && !this->done());
        if (failed)
            this->error_ = std::move(error);
        const auto ring = this->close();
        if (ring.user_code) {
            scope.finished(failed, aftermath::user_code);
            static_cast<void>(this->announce(failed ? status::error : status::value, ring, false));
            scope.left();
            if (release && this->drop_reference())
                destroy_outcome(scope);
            return;
        }
        // Where nobody holds the future, the outcome is destroyed here.
        const bool unwanted = (failed || !has_trivial_value) && release && this->references() == 1;
        scope.finished(failed, unwanted                       ? aftermath::user_code
                               : is_brief(ring.first, failed) ? aftermath::nothing
                                                              : aftermath::completion);
        if (this->announce(failed ? status::error : status::value, ring, release)) {
            if (failed || !has_trivial_value)
                destroy_outcome(scope);
            else
                task::destroy(this);
        }
    }
    // Whether nothing of the user runs from the publication on, unless the outcome is destroyed by
    // who publishes it. An operation that was abandoned in this moment may do that too.
    bool is_brief(const continuation* ring, bool failed) const noexcept {
        return this->extra == nullptr &&
               (ring == nullptr || (!failed && has_trivial_value && detail::is_brief(*ring)));
    }
    void destroy_outcome(running_scope& scope) noexcept {
        scope.destroys_outcome(type());
        task::destroy(this);
    }

    bool late() const noexcept {
        return this->extra != nullptr && this->extra->start_by &&
               *this->extra->start_by <= timeout::clock::now();
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
    // The callable is still there, or it was trivial and its room has not been used since.
    task_label statistics_label() const noexcept override {
        return this->label_or(label_of_callable(std::get<0>(work_)));
    }
    void destroy_callable() noexcept override {
        FERRY_ASSERT(this->is_claimed()); // by who calls this
        if (this->current() != status::pending)
            return;
        if (this->extra != nullptr)
            disarm_timer(*this);
        std::destroy_at(&work_);
    }
    bool help() final {
        if (this->current() != status::pending || late() || !on_worker_of(this->owner) ||
            this->external() != nullptr || is_short_of_stack() || !this->start_in_queue())
            return false;
        FERRY_ASSERT(this->current() == status::running);
        const boost::intrusive_ptr<task> keep(this);
        const as_if_alone alone;
        execute(false);
        return this->done();
    }

    static constexpr bool has_trivial_value = std::is_trivially_destructible_v<stored_t<R>>;

    union {
        std::tuple<F, A...> work_;
    };
    [[no_unique_address]] std::conditional_t<Stop, std::stop_source, no_stop> stop_;
};

template <class F, class... A>
using task_for =
    task<call_result_t<F, A...>, takes_stop_token<F, A...>, std::decay_t<F>, std::decay_t<A>...>;

} // namespace ferry::detail
