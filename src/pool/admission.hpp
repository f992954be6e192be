// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/thread_pool.hpp>

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail {

/// The options of a pool that bound its queue.
struct admission_limits {
    std::size_t max_queue = 0;
    std::size_t max_queue_bytes = 0;
    timeout max_wait;
    ferry::when_full when_full = ferry::when_full::block;

    /// Those of any pool's options.
    template <class Options>
    static admission_limits of(const Options& o) noexcept {
        return {o.max_queue, o.max_queue_bytes, o.max_wait, o.when_full};
    }
    bool any() const noexcept { return max_queue != 0 || max_queue_bytes != 0 || max_wait.limit(); }
};

/// What a pool says of itself; asked for under its lock.
template <class P>
concept admitting_pool = requires(P& p, int priority) {
    { p.queued() } -> std::convertible_to<std::size_t>;        // live tasks in the queue
    { p.ahead(priority) } -> std::convertible_to<std::size_t>; // those that such a task waits for
    { p.free_workers() } -> std::convertible_to<std::size_t>;  // idle, or can still be started
    { p.workers() } -> std::convertible_to<std::size_t>;       // at most
    { p.mean_run_time() } -> std::convertible_to<std::chrono::nanoseconds>; // 0: not known yet
};

/// The task that asks.
struct FERRY_DECL admission_request {
    std::size_t bytes = 0;
    int priority = 0;
    bool may_wait =
        false; ///< stands in line even if the pool rejects, and whatever `max_wait` says
    timeout::clock::time_point now{};
    std::optional<timeout::clock::time_point> start_by = {};

    /// Of that task, which holds so many bytes.
    static admission_request of(const shared_state_base& task, std::size_t bytes, int priority,
                                entrance e, const admission_limits& limits) noexcept;
};

/// Decides which tasks may enter the queue of a bounded pool, and keeps the line of those that wait
/// for a place. It knows no clock, thread or lock: whoever owns it calls it under a lock of its
/// own.
///
/// Invariants:
/// - Nobody overtakes the line: a task enters at once only while nobody stands there.
/// - A task in the line is marked so in its own word. Whoever claims it there (a cancellation, a
///   timer, a worker that helps) tells its owner; its place is dropped when it comes to the front,
///   or when such places are the greater part of the line.
/// - A task that was let in because a worker is free for it counts no bytes: it does not wait.
class FERRY_DECL admission {
public:
    enum class decision {
        enter,         ///< and its bytes count
        start,         ///< enters, and a worker is free for it
        stand_in_line, ///< there is no room, and it may wait
        full,          ///< there is no room, and the pool rejects
        too_large,     ///< there will never be room
        too_slow       ///< it would wait longer than it may
    };

    /// The thread that waits until its task is let in or turned away.
    struct blocked_thread {
        enum class state { waiting, let_in, turned_away } is = state::waiting;
        std::condition_variable_any changed;

        void set(state s) noexcept {
            is = s;
            changed.notify_one();
        }
    };
    /// A place in the line, which shares ownership of the task. `thread` may be null.
    struct place {
        shared_state_base* task;
        blocked_thread* thread;
        std::size_t bytes;
        int priority;
        void* own = nullptr; ///< the pool's
    };

    explicit admission(const admission_limits& limits) noexcept : limits_(limits) {}

    const admission_limits& limits() const noexcept { return limits_; }

    template <admitting_pool Pool>
    decision decide(const admission_request& r, Pool& pool) {
        if (limits_.max_queue_bytes != 0 && r.bytes > limits_.max_queue_bytes)
            return decision::too_large;
        const bool hurried = !r.may_wait && limits_.max_wait.limit();
        const std::size_t queued = pool.queued();
        if (is_line_empty()) {
            if (!hurried && counted(r.bytes) == 0 &&
                (limits_.max_queue == 0 || queued < limits_.max_queue))
                return decision::enter;
            if (queued < pool.free_workers())
                return decision::start;
        }
        if (hurried && (*limits_.max_wait.limit() <= timeout::clock::duration::zero() ||
                        is_too_slow(r, estimate(r.priority, pool))))
            return decision::too_slow;
        if (is_line_empty() && has_room(r.bytes, pool))
            return decision::enter;
        return limits_.when_full == when_full::block || r.may_wait ? decision::stand_in_line
                                                                   : decision::full;
    }
    /// How long a task of this priority would wait: the tasks ahead of it, in the line too, times
    /// the mean run time, divided by the number of workers.
    template <admitting_pool Pool>
    std::chrono::nanoseconds estimate(int priority, Pool& pool) const {
        return estimate(pool.ahead(priority) + in_line_before(priority), pool.mean_run_time(),
                        pool.workers());
    }
    static std::chrono::nanoseconds estimate(std::size_t ahead, std::chrono::nanoseconds mean,
                                             std::size_t workers) noexcept;

    /// The bytes of a task, where the pool bounds them.
    std::size_t counted(std::size_t bytes) const noexcept {
        return limits_.max_queue_bytes != 0 ? bytes : 0;
    }

    /// Lets a task in, or has it stand in line; a thread waits there, without `lock` meanwhile.
    /// `exempt` tasks enter in any case. `let_in(bytes)` is to queue the task with the bytes that
    /// count, `advance()` to call the function of that name, `refuse(why)` to throw. If it comes
    /// back as `expired` or `closed`, the task is not queued.
    template <admitting_pool Pool, class Lock, class LetIn, class Advance, class Refuse>
    entered enter(shared_state_base& task, void* own, const admission_request& r, entrance e,
                  bool exempt, Pool& pool, Lock& lock, LetIn let_in, Advance advance,
                  Refuse refuse) {
        const std::size_t bytes = counted(r.bytes);
        if (exempt || bytes <= limits_.max_queue_bytes)
            check_bytes(bytes);
        switch (const auto what = exempt ? decision::enter : decide(r, pool)) {
        case decision::enter: let_in(bytes); return entered::yes;
        case decision::start: let_in(0); return entered::yes;
        case decision::stand_in_line: break;
        default: refuse(what);
        }
        blocked_thread me;
        const bool blocks = e != entrance::coroutine;
        stand({&task, blocks ? &me : nullptr, bytes, r.priority, own});
        if (!task.stand_in_line()) { // expired just now
            remove(task, false);
            return entered::expired;
        }
        advance();
        if (!blocks)
            return entered::stands; // or was let in
        while (me.is == blocked_thread::state::waiting)
            me.changed.wait(lock);
        if (me.is == blocked_thread::state::let_in)
            return entered::yes;
        remove(task, true);
        return task.is_claimed() ? entered::expired : entered::closed;
    }

    /// Errors: std::invalid_argument if so many bytes more have no room in the sum.
    void check_bytes(std::size_t n) const;
    /// Adds to the bytes in the queue; they were checked, or have room.
    void add_bytes(std::size_t n) noexcept;
    void remove_bytes(std::size_t n) noexcept;
    std::size_t bytes() const noexcept { return bytes_; }

    /// Whether nobody stands in the line who still wants to enter.
    bool is_line_empty() const noexcept { return line_size() == claimed_; }
    /// Places in the line, given-up ones too.
    std::size_t line_size() const noexcept { return line_.size() - first_; }

    /// Errors: std::bad_alloc, and nothing has changed.
    void stand(const place& p);
    /// A task was claimed while it stood in the line: true if it is time to `purge`.
    bool on_claimed(const shared_state_base& task) noexcept;
    /// Takes a place away, if it is still there; `given_up` as for one whose task was claimed.
    void remove(const shared_state_base& task, bool given_up) noexcept;
    /// Lets in, from the front, all for which there is room. `let_in(place)` is called for each of
    /// them, and `drop(place)` for each place that has been given up.
    template <admitting_pool Pool, class LetIn, class Drop>
    void advance(Pool& pool, LetIn let_in, Drop drop) noexcept {
        for (std::size_t i = first_; i < line_.size();) {
            const place p = line_[i];
            if (p.task->stale()) {
                i = remove_at(i, true); // whoever claimed it has said so
                drop(p);
            } else if (p.task->is_claimed()) {
                ++i; // whoever claimed it is about to say so, and needs the pool until then
            } else if (!has_room(p.bytes, pool)) {
                return;
            } else if (p.task->leave_line()) {
                i = remove_at(i, false);
                let_in(p);
            }
        }
    }
    /// Drops all places that have been given up.
    template <class Drop>
    void purge(Drop drop) noexcept {
        line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
        auto to = line_.begin();
        for (place& p : line_) {
            if (p.task->stale()) {
                uncount(p, true);
                drop(p);
            } else {
                *to++ = p;
            }
        }
        line_.erase(to, line_.end());
    }
    /// Everybody has to go.
    std::vector<place> clear() noexcept;

private:
    template <admitting_pool Pool>
    bool has_room(std::size_t bytes, Pool& pool) const noexcept {
        const std::size_t most = limits_.max_queue_bytes; // exempt tasks may have exceeded it
        const bool bytes_fit =
            most == 0 || bytes == 0 || (bytes_ <= most && bytes <= most - bytes_);
        const std::size_t queued = pool.queued();
        if (bytes_fit && (limits_.max_queue == 0 || queued < limits_.max_queue))
            return true;
        const std::size_t free = pool.free_workers();
        return queued < free || (bytes_fit && queued - free < limits_.max_queue);
    }
    bool is_too_slow(const admission_request& r, std::chrono::nanoseconds wait) const noexcept;
    std::size_t in_line_before(int priority) const noexcept;
    std::size_t remove_at(std::size_t i, bool given_up) noexcept; // the index of the next one
    void uncount(const place& p, bool given_up) noexcept;

    const admission_limits limits_;
    std::size_t bytes_ = 0;   // of those that count in the queue
    std::vector<place> line_; // from `first_` on; allocates nothing until somebody stands there
    std::size_t first_ = 0;
    std::map<int, std::size_t, std::greater<>> others_; // those in the line with a priority
    std::size_t others_count_ = 0;
    std::vector<place> threads_; // those places in the line that belong to blocked threads
    std::size_t claimed_ = 0;    // in the line, by those who have said so
};

/// The error of a task that is not let in. `kind` says what the pool is, as "the thread pool 'x'".
FERRY_DECL std::exception_ptr refusal(admission::decision why, const std::string& kind,
                                      const shared_state_base& task, const admission_request& r,
                                      const admission_limits& limits, std::size_t queued,
                                      std::chrono::nanoseconds estimate) noexcept;

} // namespace ferry::detail
