// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Running tasks that wait for each other in a ring.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/sanitized.hpp"

#define BOOST_TEST_MODULE ring
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Tasks go on when all of them run.
class meeting {
public:
    explicit meeting(std::size_t n) : missing_(n) {}
    void arrive() {
        --missing_;
        go_.pass();
    }
    void start() {
        while (missing_ != 0)
            std::this_thread::yield();
        go_.open();
    }

private:
    std::atomic<std::size_t> missing_;
    gate go_;
};

// What a member of a ring came to: its error's text, or "value".
std::string outcome(const future<void>& f) {
    try {
        f.result();
        return "value";
    } catch (const would_deadlock& e) {
        return e.what();
    }
}

// Starts members, each of which waits for the next one, and the last one for the first. A submitter
// gets options and a function. The texts of those who were told.
using submitter = std::function<future<void>(task_options, std::function<void()>)>;
using way = std::function<void(const future<void>&)>;

std::vector<std::string> run_ring(std::vector<submitter> members, const way& wait) {
    std::vector<future<void>> futures(members.size());
    meeting all(members.size());
    for (std::size_t i = 0; i != members.size(); ++i)
        futures[i] = members[i]({.label = "member " + std::to_string(i)}, [&, i] {
            all.arrive();
            wait(futures[(i + 1) % futures.size()]);
        });
    all.start();
    std::vector<std::string> told;
    for (const auto& f : futures) {
        f.wait();
        if (auto text = outcome(f); text != "value")
            told.push_back(std::move(text));
    }
    return told;
}

void by_wait(const future<void>& f) { f.wait(); }
void by_result(const future<void>& f) {
    try {
        f.result();
    } catch (const would_deadlock&) {
        if (!f.done())
            throw;
    }
}

submitter into(thread_pool& pool) {
    return [&pool](task_options o, std::function<void()> f) {
        return pool.submit(std::move(o), std::move(f));
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(the_wait_that_closes_a_ring_throws_and_names_it) {
    for (int round = 0; round != 50; ++round) {
        thread_pool pool(2);
        const auto told = run_ring({into(pool), into(pool)}, by_wait);
        BOOST_TEST(told.size() == 1u);
        BOOST_TEST(told.at(0).find("'member 0'") != std::string::npos);
        BOOST_TEST(told.at(0).find("'member 1'") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_ring_may_go_over_several_pools_and_strands) {
    for (int round = 0; round != 50; ++round) {
        thread_pool a(2), b(1);
        const auto strand = asio::make_strand(a.get_executor());
        const submitter on_strand = [&](task_options o, std::function<void()> f) {
            return submit(std::move(o), strand, std::move(f));
        };
        const auto told = run_ring({into(a), into(b), on_strand}, by_wait);
        BOOST_TEST(told.size() == 1u);
        for (const char* name : {"'member 0'", "'member 1'", "'member 2'"})
            BOOST_TEST(told.at(0).find(name) != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(result_exception_wait_and_as_completed_close_a_ring_too) {
    const std::vector<way> ways{
        by_result,
        [](const future<void>& f) { static_cast<void>(f.exception()); },
        [](const future<void>& f) { wait(std::vector{f}); },
        [](const future<void>& f) {
            for (const auto& done : as_completed(std::vector{f}))
                static_cast<void>(done);
        },
    };
    for (const auto& w : ways) {
        thread_pool pool(3);
        BOOST_TEST(run_ring({into(pool), into(pool), into(pool)}, w).size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(a_wait_for_something_that_can_still_complete_closes_none) {
    thread_pool pool(2);
    promise<void> outside;
    const auto other = outside.get_future();
    std::vector<future<void>> members(2);
    meeting both(2);
    members[0] = pool.submit([&] {
        both.arrive();
        wait(std::vector{members[1], other}, {.return_when = return_when::first_completed});
    });
    members[1] = pool.submit([&] {
        both.arrive();
        members[0].wait();
    });
    both.start();
    outside.set_value();
    members[0].result();
    members[1].result();
}

BOOST_AUTO_TEST_CASE(a_timed_wait_or_a_limited_run_breaks_a_ring_by_itself) {
    std::vector<future<void>> members(2); // outlive the thread of the one that is given up
    meeting both(2), again(2);
    thread_pool pool(2);
    members[0] = pool.submit([&] {
        both.arrive();
        BOOST_CHECK(!members[1].wait_for(1ms));
    });
    members[1] = pool.submit([&] {
        both.arrive();
        members[0].wait();
    });
    both.start();
    members[0].result();
    members[1].result();

    members[0] = pool.submit({.timeout = 1ms}, [&] {
        again.arrive();
        members[1].wait();
    });
    members[1] = pool.submit([&] {
        again.arrive();
        members[0].wait();
    });
    again.start();
    BOOST_CHECK_THROW(members[0].result(), timeout_error);
    members[1].result();
}

BOOST_AUTO_TEST_CASE(a_task_that_starts_later_closes_the_ring) {
    thread_pool a(1), b(1);
    gate go, started;
    auto blocker = b.submit([&] { go.pass(); });
    future<void> first, second;
    gate set;
    first = a.submit({.label = "first"}, [&] {
        started.open();
        set.pass();
        second.wait();
    });
    second = b.submit({.label = "second"}, [&] { first.wait(); });
    set.open();
    started.pass();
    go.open();
    // Whichever of them sleeps last is told.
    const std::string one = outcome(first), other = outcome(second);
    BOOST_TEST((one == "value") != (other == "value"));
    BOOST_TEST((one == "value" ? other : one).find("'first'") != std::string::npos);
}

// Who waits for older tasks only is in no ring, however much waits at a time.
BOOST_AUTO_TEST_CASE(waits_for_older_tasks_of_two_pools_and_a_strand_raise_no_alarm) {
    thread_pool a(3), b(2), c(1);
    const auto strand = asio::make_strand(c.get_executor());
    constexpr std::size_t count = FERRY_SANITIZED ? 2'000 : 10'000;
    std::vector<future<void>> all;
    all.reserve(count);
    std::mt19937 random(1);
    for (std::size_t i = 0; i != count; ++i) {
        std::vector<future<void>> older;
        for (std::size_t n = random() % 3; n != 0 && i != 0; --n)
            older.push_back(all[i - 1 - random() % std::min<std::size_t>(i, 20)]);
        const auto task = [older, way = random() % 3] {
            if (way == 0) {
                wait(older);
            } else if (way == 1) {
                for (auto&& f : as_completed(older))
                    f.result();
            }
            for (const auto& f : older)
                f.result();
        };
        switch (random() % 3) {
        case 0: all.push_back(a.submit(task)); break;
        case 1: all.push_back(b.submit(task)); break;
        default: all.push_back(submit(strand, task)); break;
        }
    }
    for (const auto& f : all)
        BOOST_TEST(outcome(f) == "value");
}
