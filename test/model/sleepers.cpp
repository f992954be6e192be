// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// All interleavings of two submitters and two workers over the real `sleepers`: no task stays
// queued while the workers sleep and nobody is about to wake one, and two are never woken at a
// time. The mutants show that a change of the order of the protocol would be found.
#define BOOST_TEST_MODULE model_sleepers
#include "instrumented_sleepers.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace {

enum class mutant : std::uint8_t {
    none,
    looks_before_it_enlists,
    waking_is_not_noted,
    leaves_without_a_second_look,
    counts_itself_out_after_the_second_look,
    spins_until_it_has_looked,
    takes_a_task_and_wakes_nobody,
    counts_itself_out_after_the_look_for_more,
    runs_user_code_while_it_counts_as_looking,
    sleeps_while_it_counts_as_looking,
    submitter_looks_before_it_pushes
};

mutant fault_made = mutant::none;
bool is(mutant m) { return fault_made == m; }

constexpr unsigned submitters = 2, workers = 3, threads = submitters + workers;

using instrumented::detail::adaptive_mutex;
using instrumented::detail::scoped_lock;
using instrumented::detail::sleeper;
using instrumented::detail::sleepers;

struct kind {
    unsigned limit = 2;       // of workers
    bool closes = false;      // the second submitter shuts the pool down instead
    unsigned expiries = 0;    // how often the first worker may be idle for too long
    unsigned short_tasks = 0; // which the first submitter pushes before
};

// Each function is what the one of the same name does in `pool_core`, `staffing`, `pool_shutdown`
// and `worker_life`, operation by operation; the queue is a count, and what `worker_set` does when a
// worker leaves stands in `sleep`. Of two workers the one that takes the first task waits for the
// second one, so that a worker too few is missed; short tasks wait for nobody.
class pool {
public:
    explicit pool(const kind& k) : kind_(k), alive_(k.limit), threads_(k.limit) {
        for (unsigned w = 0; w < k.limit; ++w)
            here_[w] = available_[w] = true;
        around_.expiries_left[submitters] = k.expiries;
        around_.waking_is_noted = !is(mutant::waking_is_not_noted);
        instrumented::around = &around_;
    }
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    void run(unsigned thread) {
        if (thread >= submitters)
            work(thread - submitters);
        for (unsigned i = 0; thread == 0 && i < kind_.short_tasks; ++i)
            push();
        if (kind_.closes && thread == 1)
            close();
        else
            push();
        ++finished_;
    }

    std::string fault(bool at_rest) const {
        if (!around_.assertions_hold)
            return "an assertion fails";
        if (around_.on_their_way > 1 && !kind_.closes)
            return "two workers are woken at a time";
        if (too_few_)
            return "the model has too few threads";
        if (!at_rest)
            return {};
        if (queued_.peek() != 0)
            return "a task stays queued";
        if (finished_ != submitters)
            return "a submitter hangs";
        if (ran_ + rejected_ != (kind_.closes ? 1u : 2u) + kind_.short_tasks)
            return "a task neither ran nor was rejected";
        if (kind_.closes && alive_ != 0)
            return "a worker sleeps after the shutdown";
        return {};
    }

private:
    struct worker : sleeper {};

    // ---- Submitting.

    void push() {
        if (counted() == 0)
            start_first_thread();
        if (closed()) {
            ++rejected_;
            return;
        }
        const bool looked = is(mutant::submitter_looks_before_it_pushes) && is_worker_needed();
        queued_.fetch_add(1);
        if (closed() && revoke())
            ++rejected_;
        else if (is(mutant::submitter_looks_before_it_pushes) ? looked : is_worker_needed())
            call_worker();
    }
    bool revoke() {
        const scoped_lock lock(mutex_);
        return take();
    }
    // The condition of `after_push`.
    bool is_worker_needed() {
        return !sleepers_.somebody_spins() && (counted() < kind_.limit || sleepers_.count() != 0);
    }
    void call_worker() {
        if (counted() >= kind_.limit) {
            if (sleepers_.count() != 0)
                sleepers_.wake_one();
            return;
        }
        sleeper* w = nullptr;
        {
            const scoped_lock lock(mutex_);
            w = wake_or_grow();
        }
        if (w != nullptr)
            w->wake_up();
    }
    sleeper* wake_or_grow() {
        if (alive_ < kind_.limit) {
            const std::size_t waiting = queued_.load();
            if (waiting == 0)
                return nullptr;
            if (sleepers_.count() < waiting && available() < waiting)
                start_thread();
        }
        return sleepers_.pop_unless_waking();
    }
    void start_first_thread() {
        const scoped_lock lock(mutex_);
        if (alive_ == 0 && (!closed() || queued_.load() != 0))
            start_thread();
    }
    void start_thread() {
        for (unsigned w = 0; w < workers; ++w) {
            if (!here_[w]) {
                here_[w] = available_[w] = true;
                threads_.store(++alive_);
                return;
            }
        }
        too_few_ = true;
    }
    void close() {
        const scoped_lock lock(mutex_);
        closed_.store(1);
        sleepers_.wake_all();
    }

    // ---- A worker.

    [[noreturn]] void work(unsigned w) {
        for (;;) {
            static_cast<void>(model::machine::wait(
                "start", [](unsigned t) { return model::shared<pool>->here_[t - submitters]; },
                false));
            while (next(w)) {
                if (begun_++ >= kind_.short_tasks)
                    static_cast<void>(model::machine::wait(
                        "run", [](unsigned) { return model::shared<pool>->may_end(); }, false));
                available_[w] = true;
                will_look(w);
                ++ran_;
                if (is(mutant::runs_user_code_while_it_counts_as_looking))
                    static_cast<void>(model::machine::wait(
                        "callback", [](unsigned) { return model::shared<pool>->may_end(); },
                        false));
            }
            static_cast<void>(model::machine::wait(
                "finalizer", [](unsigned) { return false; }, true)); // which may take any time
            ended();
            here_[w] = false;
        }
    }
    bool may_end() const {
        return kind_.limit == 1 || kind_.closes || begun_ == 2 + kind_.short_tasks;
    }
    void will_look(unsigned w) {
        if (!looks_[w] && (sleepers_.count() != 0 || counted() < kind_.limit) &&
            queued_.load() == 0) {
            looks_[w] = true;
            sleepers_.begin_to_look();
        }
    }
    void end_looking(unsigned w) {
        if (std::exchange(looks_[w], false))
            sleepers_.end_looking();
    }
    bool next(unsigned w) {
        scoped_lock lock(mutex_);
        for (;;) {
            if (take()) {
                available_[w] = false;
                if (!is(mutant::counts_itself_out_after_the_look_for_more))
                    end_looking(w);
                const bool more = queued_.load() != 0 && !is(mutant::takes_a_task_and_wakes_nobody);
                end_looking(w);
                sleeper* const other =
                    more && (sleepers_.any() || alive_ < kind_.limit) && !sleepers_.somebody_spins()
                        ? wake_or_grow() // of `wake_candidate`
                        : nullptr;
                lock.unlock();
                if (other != nullptr)
                    other->wake_up();
                return true;
            }
            if (!closed()) {
                if (!sleep(w, lock))
                    return false;
            } else if (end_looking(w); queued_.load() == 0) {
                leave(w);
                return false;
            }
        }
    }
    bool sleep(unsigned number, scoped_lock& lock) FERRY_UNCHECKED {
        worker& w = workers_[number];
        if (!closed()) {
            lock.unlock();
            if (!std::exchange(looks_[number], true))
                sleepers_.begin_to_look();
            if (!is(mutant::spins_until_it_has_looked) &&
                !is(mutant::sleeps_while_it_counts_as_looking))
                end_looking(number);
            lock.lock();
            if (queued_.load() != 0 || closed())
                return true;
        } else {
            end_looking(number);
        }
        const bool before = is(mutant::looks_before_it_enlists) && queued_.load() != 0;
        if (!sleepers_.enlist(w, [&] {
                return is(mutant::looks_before_it_enlists) ? before : queued_.load() != 0;
            }))
            return true;
        if (!is(mutant::sleeps_while_it_counts_as_looking))
            end_looking(number);
        lock.unlock();
        sleepers_.wait(w, std::chrono::steady_clock::time_point());
        lock.lock();
        if (sleepers_.settle(w)) {
            --around_.on_their_way;
            return true;
        }
        const bool early = is(mutant::counts_itself_out_after_the_second_look) && queued_.load();
        threads_.store(alive_ - 1);
        const bool found = is(mutant::counts_itself_out_after_the_second_look) ? early
                           : is(mutant::leaves_without_a_second_look)          ? false
                                                                      : queued_.load() != 0;
        if (found)
            threads_.store(alive_);
        else
            leave(number);
        return found;
    }
    void leave(unsigned w) {
        available_[w] = false;
        threads_.store(--alive_);
    }
    void ended() {
        bool left = false;
        {
            const scoped_lock lock(mutex_);
            left = queued_.load() != 0;
        }
        if (left && is_worker_needed())
            call_worker();
    }

    // What never changes in a pool of this kind is no step.
    bool closed() const { return kind_.closes && closed_.load() != 0; }
    std::size_t counted() const {
        return kind_.closes || kind_.expiries != 0 ? threads_.load() : threads_.peek();
    }
    // Only who has the lock takes, so this is one operation.
    bool take() {
        model::machine::step("take");
        model::machine::go_on();
        return queued_.peek() != 0 && queued_.fetch_sub(1) != 0;
    }
    std::size_t available() const {
        return static_cast<std::size_t>(std::ranges::count(available_, true));
    }

    instrumented::surroundings around_;
    const kind kind_;
    // Guarded by the lock.
    unsigned alive_;
    std::array<bool, workers> here_{}, available_{}; // there is such a thread; it runs nothing
    std::array<bool, workers> looks_{};              // its thread's own
    std::array<worker, workers> workers_;
    bool too_few_ = false;

    adaptive_mutex mutex_;
    instrumented_std::atomic<std::size_t> spinning_;
    sleepers sleepers_{mutex_, spinning_};
    instrumented_std::atomic<std::size_t> queued_, threads_, closed_;
    unsigned begun_ = 0, ran_ = 0, rejected_ = 0, finished_ = 0;
};

model::verdict explore(const kind& k, mutant m = mutant::none) {
    fault_made = m;
    return model::explore<pool>(threads, k);
}

void check(const kind& k) {
    const model::verdict v = explore(k);
    BOOST_TEST_MESSAGE(v.states << " states");
    BOOST_TEST(v.fault == "", v.fault << v.schedule);
    BOOST_TEST(v.states > 1000u);
}

// The kind of pool in which it shows, and what it is found by.
struct found {
    mutant m;
    kind k;
    const char* fault = "a task stays queued";
};

} // namespace

BOOST_AUTO_TEST_CASE(one_worker_runs_what_two_submitters_push) { check({.limit = 1}); }
BOOST_AUTO_TEST_CASE(two_workers_run_it_side_by_side) { check({.limit = 2}); }
BOOST_AUTO_TEST_CASE(a_worker_that_is_about_to_look_again_runs_what_is_pushed_meanwhile) {
    check({.limit = 2, .short_tasks = 1});
}
BOOST_AUTO_TEST_CASE(a_worker_that_leaves_when_it_is_idle_misses_nothing) {
    check({.limit = 1, .expiries = 1});
}
BOOST_AUTO_TEST_CASE(a_shutdown_wakes_all) { check({.limit = 2, .closes = true}); }

BOOST_AUTO_TEST_CASE(each_mutant_is_found) {
    for (const found& x :
         {found{mutant::looks_before_it_enlists, {.limit = 1}},
          found{mutant::waking_is_not_noted, {.limit = 2}, "two workers are woken at a time"},
          found{mutant::leaves_without_a_second_look, {.limit = 1, .expiries = 1}},
          found{mutant::counts_itself_out_after_the_second_look, {.limit = 1, .expiries = 1}},
          found{mutant::spins_until_it_has_looked, {.limit = 1}},
          found{mutant::takes_a_task_and_wakes_nobody, {.limit = 2}},
          found{mutant::counts_itself_out_after_the_look_for_more, {.limit = 2, .short_tasks = 1}},
          found{mutant::runs_user_code_while_it_counts_as_looking, {.limit = 2, .short_tasks = 1}},
          found{mutant::sleeps_while_it_counts_as_looking, {.limit = 2, .short_tasks = 1}},
          found{mutant::submitter_looks_before_it_pushes, {.limit = 1}}}) {
        const model::verdict v = explore(x.k, x.m);
        BOOST_TEST_MESSAGE("mutant " << static_cast<int>(x.m) << ": " << v.states << " states");
        BOOST_TEST(v.fault == x.fault, "mutant " << static_cast<int>(x.m) << ": " << v.fault);
    }
}
