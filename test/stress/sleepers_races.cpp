// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The sleep of workers by itself: a queue that is only a count, and no pool around it.
#include "pool/sleepers.hpp"

#define BOOST_TEST_MODULE sleepers_races
#include "rounds.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

using ferry::detail::scoped_lock;
using ferry::detail::sleeper;
using ferry::detail::sleepers;
using namespace std::chrono_literals;
using stress::await;
using stress::race;

namespace {

class crew {
public:
    explicit crew(unsigned workers, std::optional<std::chrono::microseconds> idle = {})
        : idle_(idle), present_(workers) {
        for (unsigned i = 0; i < workers; ++i)
            threads_.emplace_back([this] { work(); });
    }
    ~crew() { close(); }
    crew(const crew&) = delete;

    void submit() {
        queued.fetch_add(1);
        if (!sleeping.somebody_spins() && sleeping.count() != 0)
            sleeping.wake_one();
        if (present_.load() == 0) { // the worker has left
            present_.store(1);
            present_.notify_all();
        }
    }
    void close() {
        {
            const scoped_lock lock(mutex_);
            closed_.store(true);
            sleeping.wake_all();
        }
        present_.fetch_add(1);
        present_.notify_all();
    }
    void join() { threads_.clear(); }

    std::atomic<unsigned> ran{0};
    std::atomic<unsigned> together{1}; // so many items wait for each other
    std::atomic<unsigned> left{0};     // how often a worker has left

private:
    struct worker : sleeper {};

    void work() {
        worker me;
        scoped_lock lock(mutex_);
        for (;;) {
            if (queued.load() != 0) {
                queued.fetch_sub(1);
                sleeper* const other = queued.load() != 0 && !sleeping.somebody_spins()
                                           ? sleeping.pop_unless_waking()
                                           : nullptr;
                lock.unlock();
                if (other != nullptr)
                    other->wake_up();
                run();
                lock.lock();
            } else if (closed_.load() || !sleep(me, lock)) {
                return;
            }
        }
    }
    void run() {
        const unsigned n = begun_.fetch_add(1) + 1;
        const unsigned all = (n + together - 1) / together * together;
        await([&] { return begun_.load() >= all; });
        ran.fetch_add(1);
    }
    // As worker_life::sleep; false when the worker is to end.
    bool sleep(worker& me, scoped_lock& lock) FERRY_UNCHECKED {
        lock.unlock();
        sleeping.begin_to_look();
        stress::linger(20);
        sleeping.end_looking();
        lock.lock();
        if (queued.load() != 0 || closed_.load() ||
            !sleeping.enlist(me, [this] { return queued.load() != 0; }))
            return true;
        lock.unlock();
        std::optional<std::chrono::steady_clock::time_point> until;
        if (idle_)
            until = std::chrono::steady_clock::now() + *idle_;
        sleeping.wait(me, until);
        lock.lock();
        if (sleeping.settle(me))
            return true;
        present_.store(0);
        if (queued.load() != 0 || closed_.load()) {
            present_.store(1);
            return true;
        }
        left.fetch_add(1);
        lock.unlock();
        present_.wait(0);
        lock.lock();
        return true;
    }

    ferry::detail::adaptive_mutex mutex_;

public:
    std::atomic<std::size_t> spinning{0};
    sleepers sleeping{mutex_, spinning};
    std::atomic<unsigned> queued{0};

private:
    const std::optional<std::chrono::microseconds> idle_;
    std::atomic<unsigned> present_, begun_{0};
    std::atomic<bool> closed_{false};
    std::vector<std::jthread> threads_;
};

// Two threads submit at the same instant, again and again: all of it runs.
void race_submitters(crew& c) {
    unsigned expected = 0;
    struct round {};
    race([] { return round(); },
         [&](round&) -> std::string_view {
             expected += 2;
             BOOST_REQUIRE(await([&] { return c.ran.load() == expected; }));
             return c.sleeping.count() != 0 ? "asleep" : "awake";
         },
         [&](round&) { c.submit(); }, [&](round&) { c.submit(); });
}

} // namespace

BOOST_AUTO_TEST_CASE(one_worker_misses_nothing_on_its_way_to_sleep) {
    crew c(1);
    race_submitters(c);
}

BOOST_AUTO_TEST_CASE(a_worker_is_woken_for_what_waits_behind_a_blocked_one) {
    crew c(2);
    c.together = 2;
    race_submitters(c);
}

BOOST_AUTO_TEST_CASE(a_worker_that_leaves_misses_nothing) {
    crew c(1, 20us);
    race_submitters(c);
    BOOST_TEST_MESSAGE("it left " << c.left.load() << " times");
}

BOOST_AUTO_TEST_CASE(a_shutdown_wakes_all_that_sleep_or_are_about_to) {
    struct round {
        std::unique_ptr<crew> c = std::make_unique<crew>(2);
    };
    race([] { return round(); },
         [](round& r) -> std::string_view {
             r.c->join(); // hangs where one sleeps on
             BOOST_REQUIRE(r.c->sleeping.count() == 0u);
             return r.c->ran.load() != 0 ? "ran" : "too late";
         },
         [](round& r) { r.c->close(); }, [](round& r) { r.c->submit(); });
}
