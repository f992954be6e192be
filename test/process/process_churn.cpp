// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Everything that ends workers and moves tasks at once: each future gets one outcome, and one that
// its task can have.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_churn
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/sanitized.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

int dies(int code) { ::_exit(code); }
// Dies in every other process, so that a second or third start often succeeds.
int dies_perhaps(int n) {
    if (::getpid() % 2 == 0)
        ::_exit(9);
    return 3 * n;
}
std::size_t length(const std::string& text) { return text.size(); }

struct tally {
    std::atomic<int> values{0}, deaths{0}, late{0}, cancelled{0}, refused{0}, wrong{0};
};

// Submits one task of some kind; anything but an outcome that it can have counts as wrong. The
// assertions of Boost.Test are not for several threads.
void one(ferry::process_pool& pool, std::mt19937& random, tally& t) {
    const int n = static_cast<int>(random() % 1000);
    const auto expect = [&t](bool right) { t.wrong += right ? 0 : 1; };
    const unsigned kind = random() % 8;
    const bool may_die = kind < 2;
    const bool may_be_late = kind == 2;
    try {
        if (kind == 0) {
            pool.submit(dies, 1 + n % 3).result(patience);
            expect(false);
        } else if (kind == 1) {
            auto f = pool.submit({.idempotent = true, .attempts = 4}, dies_perhaps, n);
            expect(f.result(patience) == 3 * n);
        } else if (kind == 2) {
            pool.submit({.timeout = 1ms}, sleeping, 600'000).result(patience);
            expect(false);
        } else if (kind == 3) {
            auto f = pool.submit(triple, n);
            if (f.cancel()) {
                expect(f.cancelled());
                ++t.cancelled;
                return;
            }
            expect(f.result(patience) == 3 * n);
        } else if (kind == 4) {
            const std::string text(static_cast<std::size_t>(n) * 200, 'x');
            expect(pool.submit({.priority = n % 3}, length, text).result(patience) == text.size());
        } else {
            std::vector<ferry::future<int>> some;
            for (int i = 0; i < 20; ++i)
                some.push_back(pool.submit(triple, i));
            for (int i = 0; i < 20; ++i)
                expect(some[static_cast<std::size_t>(i)].result(patience) == 3 * i);
        }
        ++t.values;
    } catch (const ferry::quarantined_error&) {
        expect(may_die || may_be_late);
        ++t.refused;
    } catch (const ferry::worker_died& e) {
        expect(may_die && e.exit_code().has_value());
        ++t.deaths;
    } catch (const ferry::timeout_error&) {
        expect(may_be_late);
        ++t.late;
    } catch (...) {
        expect(false);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(each_future_gets_an_outcome_whatever_happens_to_the_workers) {
    constexpr int rounds = FERRY_SANITIZED ? 25 : 120;
    tally t;
    {
        ferry::process_pool pool({.max_workers = 3,
                                  .max_tasks_per_child = 50,
                                  .kill_grace = 20ms,
                                  .idle_timeout = 1ms,
                                  .finalizer = {[] {}},
                                  .max_memory_per_child = std::size_t(4) << 30,
                                  .quarantine_after = 3,
                                  .quarantine_time = 100ms});
        std::vector<std::thread> threads;
        for (unsigned seed = 1; seed <= 4; ++seed) {
            threads.emplace_back([&pool, &t, seed] {
                std::mt19937 random(seed);
                for (int i = 0; i < rounds; ++i) {
                    one(pool, random, t);
                    if (i % 10 == 0)
                        pool.pardon_all();
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
        const auto s = pool.stats();
        BOOST_TEST(s.queued == 0u);
        BOOST_TEST(s.running == 0u);
        pool.shutdown();
        BOOST_TEST(pool.stats().workers == 0u);
    }
    BOOST_TEST(t.values + t.deaths + t.late + t.cancelled + t.refused == 4 * rounds);
    BOOST_TEST(t.wrong == 0);
    BOOST_TEST(t.values > 0);
    BOOST_TEST(t.deaths > 0);
    BOOST_TEST_MESSAGE(t.values << " values, " << t.deaths << " deaths, " << t.late << " late, "
                                << t.cancelled << " cancelled, " << t.refused << " refused");
}
