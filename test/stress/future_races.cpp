// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/future.hpp>

#define BOOST_TEST_MODULE future_races
#include "rounds.hpp"

#include <ferry/promise.hpp>

#include <memory>
#include <optional>

using namespace ferry;
using namespace std::chrono_literals;
using stress::ending_of;
using stress::race;

namespace {

/// A promise, its future, and what became of them.
struct pair {
    std::optional<promise<int>> p{std::in_place};
    future<int> f = p->get_future();
    bool cancelled = false, delivered = false, started = false;
    std::atomic<int> calls{0};

    void cancel() { cancelled = f.cancel(); }
    void deliver() {
        try {
            p->set_value(7);
            delivered = true;
        } catch (const invalid_state_error&) {
        }
    }
    /// A callback that sees the future as it ends.
    auto callback() {
        return [this](future<int> done) { calls += done == f && done.done() ? 1 : 100; };
    }
};
const auto make_pair = [] { return pair(); };

/// What one waiter got.
struct seen {
    int values = 0, cancellations = 0, refusals = 0, broken = 0, timeouts = 0;
    template <class F>
    void look(F wait) {
        try {
            wait();
            ++values;
        } catch (const cancelled_error&) {
            ++cancellations;
        } catch (const broken_promise&) {
            ++broken;
        } catch (const invalid_state_error&) {
            ++refusals;
        } catch (const timeout_error&) {
            ++timeouts;
        }
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(of_cancelling_and_starting_one_wins) { // CF-CAN-01 CF-FUT-27
    race(
        make_pair,
        [](pair& r) {
            BOOST_REQUIRE(r.cancelled != r.started);
            BOOST_REQUIRE(ending_of(r.f) == (r.started ? "value" : "cancelled"));
            return ending_of(r.f);
        },
        [](pair& r) { r.cancel(); },
        [](pair& r) {
            r.started = r.p->set_running_or_notify_cancel();
            if (r.started)
                r.p->set_value(7);
        });
}

BOOST_AUTO_TEST_CASE(of_cancelling_and_delivering_one_wins) { // CF-CAN-01 CF-FUT-23
    race(
        make_pair,
        [](pair& r) {
            BOOST_REQUIRE(r.cancelled != r.delivered);
            BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
            return ending_of(r.f);
        },
        [](pair& r) { r.cancel(); }, [](pair& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(callbacks_added_while_the_value_comes_are_called_once) { // CF-FUT-01 -05
    race(
        make_pair,
        [](pair& r) {
            BOOST_REQUIRE(r.calls == 2);
            return ending_of(r.f);
        },
        [](pair& r) { r.f.add_done_callback(r.callback()); },
        [](pair& r) { r.f.add_done_callback(r.callback()); }, [](pair& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(a_callback_added_while_the_future_is_cancelled_is_called_once) { // CF-FUT-03
    race(
        make_pair,
        [](pair& r) {
            BOOST_REQUIRE(r.calls == 1);
            return ending_of(r.f);
        },
        [](pair& r) { r.f.add_done_callback(r.callback()); }, [](pair& r) { r.cancel(); },
        [](pair& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(a_callback_is_destroyed_after_its_call_whoever_completes) { // CF-FUT-05
    struct round : pair {
        std::shared_ptr<int> held = std::make_shared<int>(0);
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(*r.held == 1);
             BOOST_REQUIRE(r.held.use_count() == 1);
             return ending_of(r.f);
         },
         [](round& r) { r.f.add_done_callback([h = r.held](const future<int>&) { ++*h; }); },
         [](round& r) { r.cancel(); }, [](round& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(several_waiters_see_the_same_outcome) { // CF-FUT-20 -29 CF-CAN-03
    struct round : pair {
        seen one, two;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.one.values + r.two.values == (r.delivered ? 2 : 0));
             BOOST_REQUIRE(r.one.cancellations + r.two.cancellations == (r.cancelled ? 2 : 0));
             return ending_of(r.f);
         },
         [](round& r) { r.one.look([&] { r.f.result(); }); },
         [](round& r) { r.two.look([&] { static_cast<void>(r.f.exception()); }); },
         [](round& r) { r.cancel(); }, [](round& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(one_of_several_takes_the_value) { // CF-FUT-29
    struct round {
        promise<std::unique_ptr<int>> p;
        future<std::unique_ptr<int>> f = p.get_future(), g = f, h = f;
        std::unique_ptr<int> mine[2];
        seen one, two, peek;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.one.values + r.two.values == 1);
             BOOST_REQUIRE(r.one.refusals + r.two.refusals == 1);
             BOOST_REQUIRE((r.mine[0] != nullptr) != (r.mine[1] != nullptr));
             BOOST_REQUIRE(r.peek.timeouts == 0);
             return r.mine[0] != nullptr ? "first" : "second";
         },
         [](round& r) { r.one.look([&] { r.mine[0] = std::move(r.f).result(); }); },
         [](round& r) { r.two.look([&] { r.mine[1] = std::move(r.g).result(); }); },
         [](round& r) { r.peek.look([&] { r.h.wait(); }); },
         [](round& r) { r.p.set_value(std::make_unique<int>(1)); });
}

BOOST_AUTO_TEST_CASE(a_value_whose_last_handle_goes_is_destroyed_once) { // CF-FUT-37
    struct round {
        std::shared_ptr<int> held = std::make_shared<int>(1);
        std::optional<promise<std::shared_ptr<int>>> p{std::in_place};
        future<std::shared_ptr<int>> f = p->get_future(), g = f;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.held.use_count() == 1);
             return "destroyed";
         },
         [](round& r) { r.f = {}; },
         [](round& r) {
             auto copy = r.g;
             r.g = std::move(copy);
             r.g = {};
         },
         [](round& r) {
             r.p->set_value(r.held);
             r.p.reset();
         });
}

BOOST_AUTO_TEST_CASE(a_destroyed_promise_lets_every_waiter_go) { // CF-FUT-20 CF-ASY-27
    struct round : pair {
        seen waiter;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.calls == 1);
             BOOST_REQUIRE(r.waiter.broken == (r.cancelled ? 0 : 1));
             BOOST_REQUIRE(r.waiter.cancellations == (r.cancelled ? 1 : 0));
             return ending_of(r.f);
         },
         [](round& r) { r.waiter.look([&] { r.f.result(); }); }, [](round& r) { r.p.reset(); },
         [](round& r) {
             r.f.add_done_callback(r.callback());
             r.cancel();
         });
}

BOOST_AUTO_TEST_CASE(a_wait_that_ends_in_time_or_not_says_which) { // CF-FUT-19 CF-TMO-05
    struct round : pair {
        seen timed, polling;
        bool in_time = false, done_then = false;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.delivered);
             BOOST_REQUIRE(r.timed.values + r.timed.timeouts == 1);
             BOOST_REQUIRE(r.polling.values + r.polling.timeouts == 1);
             BOOST_REQUIRE((!r.in_time || r.done_then));
             BOOST_REQUIRE(r.f.result() == 7);
             return r.timed.values == 1 ? "in time" : "timed out";
         },
         [](round& r) { r.timed.look([&] { r.f.result(20us); }); },
         [](round& r) {
             r.polling.look([&] { r.f.result(0s); });
             r.in_time = r.f.wait_for(5us);
             r.done_then = r.f.done();
         },
         [](round& r) { r.deliver(); });
}

BOOST_AUTO_TEST_CASE(cancelling_at_the_same_time_succeeds_for_both) { // CF-CAN-01
    struct round {
        promise<int> p;
        future<int> f = p.get_future();
        bool one = false, two = false;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE((r.one && r.two));
             return "cancelled";
         },
         [](round& r) { r.one = r.f.cancel(); }, [](round& r) { r.two = r.f.cancel(); });
}

BOOST_AUTO_TEST_CASE(who_lets_go_of_an_exception_last_destroys_it) {
    for (int round = 0; round < 200; ++round) {
        promise<int> p;
        auto f = p.get_future();
        std::atomic<bool> over = false; // tells when, and orders nothing
        p.set_exception(std::make_exception_ptr(std::runtime_error("a text that is not short")));
        std::exception_ptr last = f.exception();
        {
            const promise<int> gone = std::move(p);
        }
        std::thread reader([f = std::move(f), &over]() mutable {
            try {
                std::move(f).result();
            } catch (const std::runtime_error& e) {
                f = future<int>();
                if (e.what()[0] != 'a')
                    std::abort();
            }
            over.store(true, std::memory_order_relaxed);
        });
        while (!over.load(std::memory_order_relaxed))
            std::this_thread::yield();
        last = nullptr; // here
        reader.join();
    }
}
