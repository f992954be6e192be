// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Tasks that kill their workers again and again.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_quarantine
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>

#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

int dies_of(int poison) {
    if (poison > 0)
        ::_exit(poison);
    return -poison;
}
int dies_too(int poison) {
    if (poison > 0)
        ::_exit(poison);
    return -poison;
}
std::size_t dies_of_text(const std::string& text) {
    if (text.back() == '!')
        ::_exit(7);
    return text.size();
}

template <class F, class... A>
void kill_workers_with(ferry::process_pool& pool, int times, F fn, A... args) {
    for (int i = 0; i < times; ++i)
        BOOST_CHECK_THROW(pool.submit(fn, args...).result(patience), ferry::worker_died);
}

template <class F, class... A>
bool is_refused(ferry::process_pool& pool, F fn, A... args) {
    try {
        pool.submit(fn, args...).wait();
        return false;
    } catch (const ferry::quarantined_error&) {
        return true;
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_task_that_killed_enough_workers_is_refused_at_once) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 2});
    kill_workers_with(pool, 1, dies_of, 7);
    BOOST_TEST(!is_refused(pool, dies_of, 7));
    try {
        pool.submit({.label = "poison"}, dies_of, 7);
        BOOST_ERROR("expected quarantined_error");
    } catch (const ferry::quarantined_error& e) {
        BOOST_TEST(e.label() == "poison");
        BOOST_TEST(e.deaths() == 2u);
        const auto left = e.until() - std::chrono::steady_clock::now();
        BOOST_CHECK(left <= 60s);
        BOOST_TEST((e.code() == ferry::errc::quarantined));
        BOOST_TEST((e.code() == ferry::condition::rejected));
        BOOST_TEST(std::string(e.what()).find("poison") != std::string::npos);
    }
    // It is the function with its arguments that is told.
    BOOST_TEST(pool.submit(dies_of, -3).result(patience) == 3);
    kill_workers_with(pool, 1, dies_of, 8);
    kill_workers_with(pool, 1, dies_too, 7);
    BOOST_TEST(is_refused(pool, dies_of, 7));
}

BOOST_AUTO_TEST_CASE(awaiting_forms_deliver_the_refusal) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 1});
    kill_workers_with(pool, 1, dies_of, 7);
    BOOST_CHECK_THROW(ferry::run([](ferry::process_pool& p) -> asio::awaitable<int> {
                          co_return co_await ferry::run_in_executor(p, dies_of, 7);
                      }(pool)),
                      ferry::quarantined_error);
    const auto poison = [] { ::_exit(7); };
    kill_workers_with(pool, 1, poison);
    std::exception_ptr error;
    asio::io_context context;
    ferry::async_invoke(pool, poison,
                        asio::bind_executor(context, [&](std::exception_ptr e) { error = e; }));
    context.run();
    BOOST_REQUIRE(error != nullptr);
    BOOST_CHECK_THROW(std::rethrow_exception(error), ferry::quarantined_error);
}

BOOST_AUTO_TEST_CASE(what_was_queued_before_is_refused_too_and_the_rest_runs) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 1});
    const auto dies_on_order = [](const std::string& path) {
        while (!std::filesystem::exists(path))
            std::this_thread::yield();
        ::_exit(7);
    };
    marker order;
    auto first = pool.submit(dies_on_order, order.path());
    wait_for_worker_of(first, pool);
    std::vector<ferry::future<void>> more;
    std::vector<ferry::future<int>> others;
    for (int i = 0; i < 20; ++i) {
        more.push_back(pool.submit(dies_on_order, order.path()));
        others.push_back(pool.submit(dies_of, -i));
    }
    touch(order.path());
    BOOST_CHECK_THROW(first.result(patience), ferry::worker_died);
    for (auto& f : more)
        BOOST_CHECK_THROW(f.result(patience), ferry::quarantined_error);
    for (int i = 0; i < 20; ++i)
        BOOST_TEST(others[static_cast<std::size_t>(i)].result(patience) == i);
    BOOST_TEST(pool.stats().failed == 21u);
    BOOST_TEST(pool.stats().cancelled == 0u);
}

BOOST_AUTO_TEST_CASE(what_was_handed_out_ahead_is_refused_too) {
    ferry::process_pool pool({.max_workers = 2, .quarantine_after = 1});
    for (int i = 0; i < 2000; ++i) // so that many are handed out at a time
        pool.submit(dies_of, 0).result(patience);
    for (int round = 1; round < 20; ++round) {
        std::vector<ferry::future<int>> all;
        int poison = 0, refused = 0, died = 0;
        try {
            for (int i = 0; i < 100; ++i) {
                all.push_back(pool.submit(dies_of, -i));
                all.push_back(pool.submit(dies_of, round));
                ++poison;
            }
        } catch (const ferry::quarantined_error&) {
        }
        for (auto& f : all) {
            try {
                f.result(patience);
            } catch (const ferry::quarantined_error&) {
                ++refused;
            } catch (const ferry::worker_died&) {
                ++died;
            }
        }
        BOOST_TEST(died >= 1);
        BOOST_TEST(died <= 2); // one for each worker at a time
        BOOST_TEST(refused + died == poison);
        BOOST_TEST(pool.submit(dies_of, -1).result(patience) == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_quarantine_ends_the_attempts) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 2});
    try {
        pool.submit({.idempotent = true, .attempts = 10}, dies_of, 7).result(patience);
        BOOST_ERROR("expected worker_died");
    } catch (const ferry::worker_died& e) {
        BOOST_TEST(e.attempt() == 2u);
    }
    BOOST_TEST(is_refused(pool, dies_of, 7));
}

BOOST_AUTO_TEST_CASE(the_tasks_own_timeout_counts) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms, .quarantine_after = 2});
    for (int i = 0; i < 2; ++i)
        BOOST_CHECK_THROW(pool.submit({.timeout = 20ms}, sleeping, 600'000).result(patience),
                          ferry::timeout_error);
    BOOST_TEST(is_refused(pool, sleeping, 600'000));
}

BOOST_AUTO_TEST_CASE(a_cancellation_does_not_count) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms, .quarantine_after = 1});
    marker runs;
    const auto endless = [](const std::string& path) {
        touch(path);
        sleeping_stubbornly(600'000);
    };
    for (int i = 0; i < 3; ++i) {
        asio::io_context context;
        asio::cancellation_signal signal;
        std::exception_ptr error;
        asio::co_spawn(
            context, ferry::run_in_executor(pool, endless, runs.path()),
            asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = e; }));
        while (!runs.touched()) {
            context.poll();
            std::this_thread::yield();
        }
        signal.emit(asio::cancellation_type::terminal);
        context.run();
        BOOST_REQUIRE(error != nullptr);
        BOOST_CHECK_THROW(std::rethrow_exception(error), ferry::cancelled_error);
        std::filesystem::remove(runs.path());
    }
}

BOOST_AUTO_TEST_CASE(a_chunk_of_map_is_never_quarantined) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 1});
    const std::vector<int> all{7, 7, 7};
    for (int i = 0; i < 3; ++i) {
        int died = 0;
        auto results = pool.map({.chunksize = 3}, dies_of, all);
        for (auto it = results.begin(); it != results.end(); ++it) {
            try {
                static_cast<void>(*it);
            } catch (const ferry::worker_died&) {
                ++died;
            }
        }
        BOOST_TEST(died == 3);
    }
}

BOOST_AUTO_TEST_CASE(a_pardon_ends_it) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 2});
    kill_workers_with(pool, 2, dies_of, 7);
    BOOST_TEST(is_refused(pool, dies_of, 7));
    pool.pardon_all();
    kill_workers_with(pool, 1, dies_of, 7);
    BOOST_TEST(!is_refused(pool, dies_of, 7)); // its second one since
    BOOST_TEST(is_refused(pool, dies_of, 7));
}

BOOST_AUTO_TEST_CASE(it_ends_by_itself_when_its_time_is_over) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 1, .quarantine_time = 300ms});
    const auto begin = std::chrono::steady_clock::now();
    kill_workers_with(pool, 1, dies_of, 7);
    BOOST_TEST(eventually([&] { return !is_refused(pool, dies_of, 7); }));
    BOOST_CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
}

BOOST_AUTO_TEST_CASE(large_arguments_are_told_apart) {
    ferry::process_pool pool({.max_workers = 1, .quarantine_after = 1});
    std::string poison(1'000'000, 'x');
    poison.back() = '!';
    kill_workers_with(pool, 1, dies_of_text, poison);
    BOOST_TEST(is_refused(pool, dies_of_text, poison));
    poison.front() = 'y';
    kill_workers_with(pool, 1, dies_of_text, poison);
    poison.back() = '.';
    BOOST_TEST(pool.submit(dies_of_text, poison).result(patience) == poison.size());
}

BOOST_AUTO_TEST_CASE(without_the_option_nothing_is_quarantined) {
    ferry::process_pool pool(1);
    kill_workers_with(pool, 5, dies_of, 7);
    pool.pardon_all();
}
