// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Cancellations that come from inside: before a coroutine's first suspension, and while a signal is
// being emitted.
#include <ferry/ferry.hpp>

#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE early_cancel
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

awaitable<void> endless() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(asio::use_awaitable);
}
awaitable<void> turn() {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}
awaitable<void> cancel(task_group g) {
    g.cancel();
    co_return;
}
awaitable<int> cancel_and_give(task_group g, int n) {
    g.cancel();
    co_return n;
}
awaitable<void> cancel_and_wait(task_group g) {
    g.cancel();
    co_await endless();
}
awaitable<void> cancel_and_fail(task_group g) {
    g.cancel();
    throw std::out_of_range("failed all the same");
    co_return;
}

/// Runs the body in a group, on a context of its own, which must come to its end.
template <class Body>
void run_group(Body body) {
    asio::io_context io;
    run_on(io, [&]() -> awaitable<void> { co_await with_task_group(std::ref(body)); });
}

/// An event as users write it: its completion comes inside of `set`, on the waiter's executor, and
/// inside of its cancellation.
struct event {
    std::function<void(boost::system::error_code)> pending;

    template <class Token>
    auto wait(Token&& token) {
        return asio::async_initiate<Token, void(boost::system::error_code)>(
            [this](auto handler) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                const auto ex = asio::get_associated_executor(handler);
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                pending = [shared, ex](boost::system::error_code ec) {
                    asio::dispatch(ex, [shared, ec] {
                        auto h = std::move(*shared);
                        std::move(h)(ec);
                    });
                };
                if (slot.is_connected())
                    slot.assign(
                        [this](asio::cancellation_type) { set(asio::error::operation_aborted); });
            },
            token);
    }
    void set(boost::system::error_code ec = {}) {
        if (const auto p = std::exchange(pending, nullptr))
            p(ec);
    }
};

awaitable<void> wait_for_event(event& e) { co_await e.wait(asio::use_awaitable); }
awaitable<void> wake_while_leaving(event& mine, event& other) {
    try {
        co_await mine.wait(asio::use_awaitable);
    } catch (...) {
        other.set();
        throw;
    }
}
awaitable<int> fail_later() {
    co_await turn();
    throw std::out_of_range("later");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_body_may_cancel_its_group_before_it_is_suspended) {
    const auto body = [](task_group& g) -> awaitable<int> {
        g.spawn(endless());
        g.cancel();
        co_return 5;
    };
    asio::io_context io;
    int value = 0;
    run_on(io, [&]() -> awaitable<void> { value = co_await with_task_group(body); });
    BOOST_TEST(value == 5);
    BOOST_CHECK_THROW(run_group([](task_group& g) -> awaitable<void> {
                          g.cancel();
                          co_await endless();
                      }),
                      cancelled_error);
}

BOOST_AUTO_TEST_CASE(a_member_may_cancel_its_group_in_its_first_step) {
    for (const bool late : {false, true}) {
        future<int> given;
        future<void> waiting;
        BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                              waiting = g.spawn(endless());
                              if (late)
                                  co_await turn();
                              given = g.spawn(cancel_and_give(g, 7));
                              co_await endless();
                          }),
                          cancelled_error);
        BOOST_TEST(given.result(0s) == 7);
        BOOST_TEST(waiting.cancelled());
        BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                              if (late)
                                  co_await turn();
                              waiting = g.spawn(cancel_and_wait(g));
                              co_await endless();
                          }),
                          cancelled_error);
        BOOST_TEST(waiting.cancelled());
        BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                              if (late)
                                  co_await turn();
                              g.spawn(cancel_and_fail(g));
                              co_await endless();
                          }),
                          exception_group);
    }
}

BOOST_AUTO_TEST_CASE(a_member_of_a_member_may_cancel_the_group) {
    future<void> outer;
    BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                          outer = g.spawn([](task_group all) -> awaitable<void> {
                              all.spawn(cancel(all));
                              co_await endless();
                          }(g));
                          co_await endless();
                      }),
                      cancelled_error);
    BOOST_TEST(outer.cancelled());
}

BOOST_AUTO_TEST_CASE(a_nested_group_may_cancel_the_outer_one) {
    for (const bool itself : {false, true}) {
        BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                              const auto inner = [&](task_group& n) -> awaitable<void> {
                                  if (itself)
                                      n.spawn(cancel(n));
                                  else
                                      n.spawn(cancel(g));
                                  co_await endless();
                              };
                              co_await with_task_group(inner);
                          }),
                          boost::system::system_error);
    }
}

BOOST_AUTO_TEST_CASE(children_of_other_kinds_may_cancel_the_group_in_their_first_step) {
    BOOST_CHECK_THROW(run_group([](task_group& g) -> awaitable<void> {
                          co_await gather(endless(), cancel(g), cancel_and_wait(g));
                      }),
                      cancelled_error);
    BOOST_CHECK_THROW(run_group([](task_group& g) -> awaitable<void> {
                          co_await wait_for(cancel_and_wait(g), 1h);
                      }),
                      cancelled_error);
    BOOST_CHECK_THROW(run_group([](task_group& g) -> awaitable<void> {
                          co_await shield(cancel(g));
                          co_await endless();
                      }),
                      cancelled_error);
    BOOST_CHECK_THROW(run_group([](task_group& g) -> awaitable<void> {
                          g.spawn(gather(wait_for(cancel(g), 1h), endless()));
                          co_await endless();
                      }),
                      cancelled_error);
}

BOOST_AUTO_TEST_CASE(a_member_may_be_cancelled_in_its_first_step) {
    future<void> waiting;
    run_group([&](task_group& g) -> awaitable<void> {
        waiting = g.spawn(endless());
        BOOST_TEST(waiting.cancel());
        co_return;
    });
    BOOST_TEST(waiting.cancelled());
}

BOOST_AUTO_TEST_CASE(the_awaiting_coroutine_may_be_cancelled_by_a_child_in_its_first_step) {
    const auto by_signal = [](asio::cancellation_signal& s) -> awaitable<void> {
        s.emit(asio::cancellation_type::terminal);
        co_return;
    };
    for (const int way : {0, 1, 2}) {
        asio::io_context io;
        asio::cancellation_signal signal;
        std::exception_ptr error;
        bool ended = false;
        const auto top = [&]() -> awaitable<void> {
            co_await turn();
            const auto body = [&](task_group& g) -> awaitable<void> {
                g.spawn(by_signal(signal));
                co_await endless();
            };
            if (way == 0)
                co_await gather(by_signal(signal), endless());
            else if (way == 1)
                co_await wait_for(gather(endless(), by_signal(signal)), 1h);
            else
                co_await with_task_group(body);
        };
        asio::co_spawn(io, top(),
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                           ended = true;
                           error = e;
                       }));
        io.run();
        BOOST_TEST(ended);
        BOOST_TEST(detail::is_cancellation(error));
    }
}

BOOST_AUTO_TEST_CASE(a_child_may_end_inside_the_emission_of_anothers_signal) {
    event a, b, c;
    asio::io_context io;
    BOOST_CHECK_THROW(run_on(io,
                             [&]() -> awaitable<void> {
                                 co_await gather(wake_while_leaving(a, b), wait_for_event(b),
                                                 wait_for_event(c), fail_later());
                             }),
                      std::out_of_range);
    const auto both_ways = [&](bool forwards) {
        future<void> first, second;
        BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                              first =
                                  g.spawn(forwards ? wake_while_leaving(a, b) : wait_for_event(b));
                              second =
                                  g.spawn(forwards ? wait_for_event(b) : wake_while_leaving(a, b));
                              g.spawn(wait_for_event(c));
                              co_await turn();
                              g.cancel();
                              co_await endless();
                          }),
                          cancelled_error);
        BOOST_TEST(first.done());
        BOOST_TEST(second.done());
    };
    both_ways(true);
    both_ways(false);
}

BOOST_AUTO_TEST_CASE(a_member_that_is_cancelled_by_itself_may_end_others_and_the_group) {
    event a, b;
    BOOST_CHECK_THROW(run_group([&](task_group& g) -> awaitable<void> {
                          const auto leave = [&](task_group all) -> awaitable<void> {
                              try {
                                  co_await a.wait(asio::use_awaitable);
                              } catch (...) {
                                  b.set();
                                  all.cancel();
                              }
                          };
                          auto f = g.spawn(leave(g));
                          g.spawn(wait_for_event(b));
                          co_await turn();
                          f.cancel();
                          co_await endless();
                      }),
                      cancelled_error);
}

BOOST_AUTO_TEST_CASE(a_handle_may_cancel_a_group_from_a_function_of_its_executor) {
    // Nothing else keeps the group when its last member has ended inside of the call.
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    std::optional<task_group> handle;
    event e;
    bool ended = false;
    asio::co_spawn(strand, with_task_group([&](task_group& g) -> awaitable<void> {
                       handle = g;
                       co_await e.wait(asio::use_awaitable);
                   }),
                   [&](std::exception_ptr) { ended = true; });
    io.poll();
    asio::post(strand, [&] {
        auto last = std::exchange(handle, std::nullopt);
        last->cancel();
    });
    io.restart();
    io.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(a_cancellation_and_a_completion_of_one_await_end_it_once) {
    enum class first { completion, cancellation, neither };
    const auto round = [](first which) {
        asio::io_context io;
        promise<int> p;
        const auto f = p.get_future();
        asio::cancellation_signal signal;
        int calls = 0;
        boost::system::error_code result;
        f.async_wait(asio::bind_cancellation_slot(
            signal.slot(), asio::bind_executor(io.get_executor(), [&](auto ec) {
                ++calls;
                result = ec;
            })));
        if (which == first::completion) {
            p.set_value(1);
            signal.emit(asio::cancellation_type::terminal);
        } else if (which == first::cancellation) {
            signal.emit(asio::cancellation_type::terminal);
            p.set_value(1);
        } else {
            std::jthread other([&] { p.set_value(1); });
            signal.emit(asio::cancellation_type::terminal);
        }
        io.run();
        signal.emit(asio::cancellation_type::terminal); // nothing is there any more
        io.restart();
        io.run();
        BOOST_TEST(calls == 1);
        return result;
    };
    BOOST_TEST(!round(first::completion));
    BOOST_TEST(round(first::cancellation) == asio::error::operation_aborted);
    for (int i = 0; i < 300; ++i)
        round(first::neither);
}
