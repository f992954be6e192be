// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/as_completed.hpp>

#define BOOST_TEST_MODULE waiting_races
#include "rounds.hpp"

#include <ferry/map.hpp>
#include <ferry/thread_pool.hpp>
#include <ferry/wait.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using stress::race;

namespace {

/// Two futures that other threads complete.
struct two {
    promise<int> p[2];
    std::vector<future<int>> all{p[0].get_future(), p[1].get_future()};

    void deliver(int i) { p[i].set_value(int(i)); }
    void fail(int i) { p[i].set_exception(std::make_exception_ptr(std::runtime_error("no"))); }
    void finish(int i) { // that may have been cancelled
        if (p[i].set_running_or_notify_cancel())
            deliver(i);
    }
    auto next() const { return as_completed(all); }
};

/// What one wait gave.
struct waited : two {
    wait_result<int> result;
    void wait(wait_options options) { result = ferry::wait(all, options); }
    /// The number of futures done, which with the others must be all.
    std::size_t done() const {
        BOOST_REQUIRE(result.done.size() + result.not_done.size() == 2u);
        for (const auto& f : result.done)
            BOOST_REQUIRE(f.done());
        for (const auto& f : all)
            BOOST_REQUIRE(f.done());
        return result.done.size();
    }
};
const auto make_waited = [] { return waited(); };

/// A handler that waits on an io_context, and the signal that cancels it.
struct waiting_handler {
    asio::io_context io;
    asio::cancellation_signal signal;
    int calls = 0;
    bool stopped = false;

    template <class Handler>
    auto token(Handler h) {
        return asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(io, std::move(h)));
    }
    void cancel() {
        signal.emit(asio::cancellation_type::terminal);
        io.run();
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_first_of_two_ends_the_wait) { // CF-WAIT-02
    race(
        make_waited,
        [](waited& r) {
            BOOST_REQUIRE(r.done() >= 1u);
            return r.done() == 1 ? "one done" : "both done";
        },
        [](waited& r) { r.wait({.return_when = return_when::first_completed}); },
        [](waited& r) { r.deliver(0); }, [](waited& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_wait_for_all_sees_values_and_cancellations) { // CF-WAIT-08
    race(
        make_waited,
        [](waited& r) {
            BOOST_REQUIRE(r.done() == 2u);
            return stress::ending_of(r.all[0]);
        },
        [](waited& r) { r.wait({}); }, [](waited& r) { r.finish(0); },
        [](waited& r) {
            r.all[0].cancel();
            r.deliver(1);
        });
}

BOOST_AUTO_TEST_CASE(the_first_exception_ends_the_wait) { // CF-WAIT-05
    race(
        make_waited,
        [](waited& r) {
            BOOST_REQUIRE(r.result.done.back() == r.all[1]);
            return r.done() == 1 ? "one done" : "both done";
        },
        [](waited& r) { r.wait({.return_when = return_when::first_exception}); },
        [](waited& r) { r.deliver(0); }, [](waited& r) { r.fail(1); });
}

BOOST_AUTO_TEST_CASE(a_wait_that_times_out_gives_what_is_done) { // CF-WAIT-09
    race(
        make_waited,
        [](waited& r) {
            return r.done() == 0 ? "none done" : r.done() == 1 ? "one done" : "both done";
        },
        [](waited& r) { r.wait({.timeout = 20us}); }, [](waited& r) { r.deliver(0); },
        [](waited& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(each_future_is_handed_out_once_as_they_complete) { // CF-ASC-01
    struct round : two {
        std::vector<future<int>> got;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.got.size() == 2u);
             BOOST_REQUIRE((r.got[0] != r.got[1]));
             return r.got[0] == r.all[0] ? "first" : "second";
         },
         [](round& r) {
             for (future<int> f : r.next())
                 r.got.push_back(std::move(f));
         },
         [](round& r) { r.finish(0); },
         [](round& r) {
             r.deliver(1);
             r.all[0].cancel();
         });
}

BOOST_AUTO_TEST_CASE(a_view_may_be_left_while_its_futures_complete) { // CF-ASC-01
    struct round : two {
        std::shared_ptr<int> held = std::make_shared<int>(0);
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE((r.all[0].done() && r.all[1].done()));
             r.all.clear();
             return "left";
         },
         [](round& r) {
             const auto view = r.next();
             future<int> f = *view.begin();
         },
         [](round& r) { static_cast<void>(r.next()); }, [](round& r) { r.deliver(0); },
         [](round& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_view_that_times_out_has_counted_right) { // CF-ASC-04 -07
    struct round : two {
        std::size_t got = 0, unfinished = 0;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.got + r.unfinished == 2u);
             return r.got == 0 ? "none" : r.got == 1 ? "one" : "both";
         },
         [](round& r) {
             try {
                 for (future<int> f : as_completed(r.all, 20us))
                     r.got += f.done() ? 1 : 100;
             } catch (const timeout_error& e) {
                 r.unfinished = e.unfinished();
             }
         },
         [](round& r) { r.deliver(0); }, [](round& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_cancelled_async_next_loses_no_future) { // CF-GAT-16
    struct round : two, waiting_handler {
        as_completed_view<int> view = next();
        std::vector<future<int>> got;
        round() {
            view.async_next(token([this](std::exception_ptr e, std::optional<future<int>> f) {
                ++calls;
                stopped = e != nullptr;
                if (f)
                    got.push_back(*f);
            }));
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.calls == 1);
             BOOST_REQUIRE(r.stopped == r.got.empty());
             r.deliver(1);
             for (future<int> f : r.view)
                 r.got.push_back(std::move(f));
             BOOST_REQUIRE(r.got.size() == 2u);
             return r.stopped ? "cancelled" : "handed over";
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.deliver(0); });
}

BOOST_AUTO_TEST_CASE(several_who_wait_for_the_next_get_one_each) { // CF-GAT-16
    struct round : two, waiting_handler {
        as_completed_view<int> view = next();
        std::atomic<int> futures{0}, ends{0};
        round() {
            for (int i = 0; i < 3; ++i)
                view.async_next(asio::bind_executor(
                    io, [this](std::exception_ptr, std::optional<future<int>> f) {
                        ++(f && f->done() ? futures : ends);
                    }));
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.futures == 2);
             BOOST_REQUIRE(r.ends == 1);
             return "done";
         },
         [](round& r) { r.io.run(); }, [](round& r) { r.io.run(); }, [](round& r) { r.deliver(0); },
         [](round& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_context_may_go_with_its_async_next_while_futures_complete) { // CF-ASY-27
    struct round : two {
        std::optional<waiting_handler> waiting{std::in_place};
        std::shared_ptr<int> held = std::make_shared<int>(0);
        round() {
            next().async_next(asio::bind_executor(
                waiting->io, [h = held](std::exception_ptr, std::optional<future<int>>) { ++*h; }));
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(*r.held == 0);
             BOOST_REQUIRE(r.held.use_count() == 1);
             return "destroyed";
         },
         [](round& r) { r.waiting.reset(); }, [](round& r) { r.deliver(0); },
         [](round& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_cancelled_async_wait_ends_once) { // CF-GAT-14
    struct round : two, waiting_handler {
        std::size_t done = 0;
        round() {
            async_wait(all, {.return_when = return_when::first_completed},
                       token([this](std::exception_ptr e, wait_result<int> w) {
                           ++calls;
                           stopped = e != nullptr;
                           done = w.done.size();
                       }));
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.calls == 1);
             BOOST_REQUIRE(r.stopped == (r.done == 0));
             return r.stopped ? "cancelled" : "done";
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.deliver(0); },
         [](round& r) { r.deliver(1); });
}

BOOST_AUTO_TEST_CASE(a_wait_may_be_over_while_it_begins) {
    struct long_wait {
        asio::io_context io;
        asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
        std::vector<promise<int>> p{500}; // so that beginning takes a while
        std::vector<future<int>> all;
        std::size_t done = 0;
        std::atomic<bool> ended{false};
    };
    race(
        [] {
            auto w = std::make_unique<long_wait>();
            for (auto& p : w->p)
                w->all.push_back(p.get_future());
            w->p[0].set_value(1);
            return w;
        },
        [](auto& w) {
            for (std::size_t i = 1; i < w->p.size(); ++i)
                w->p[i].set_value(1); // nobody watches them any more
            BOOST_REQUIRE(w->done == 1u);
            return "ended";
        },
        [](auto& w) {
            const auto at_end = [&w = *w](std::exception_ptr, wait_result<int> r) {
                w.done = r.done.size();
                w.ended = true;
            };
            async_wait(w->all, {.return_when = return_when::first_completed},
                       asio::bind_executor(w->io, at_end));
        },
        [](auto& w) {
            while (!w->ended.load())
                w->io.poll();
        });
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_one_future_ends_once) { // CF-GAT-12
    struct round : two, waiting_handler {
        round() {
            all[0].async_wait(token([this](boost::system::error_code ec) {
                ++calls;
                stopped = ec == asio::error::operation_aborted;
            }));
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.calls == 1);
             BOOST_REQUIRE(r.all[0].result(0s) == 0);
             return r.stopped ? "cancelled" : "done";
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.deliver(0); });
}

BOOST_AUTO_TEST_CASE(a_map_that_is_left_loses_no_call) { // CF-MAP-10
    struct round {
        std::atomic<int> runs{0};
        int sum = 0;
        std::optional<thread_pool> pool{std::in_place, 2u};
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.pool->stats().cancelled + r.runs == 4u);
             return r.runs == 4 ? "all ran" : r.runs == 1 ? "one ran" : "some ran";
         },
         [](round& r) {
             {
                 auto view = r.pool->map(
                     [&r](int i) {
                         ++r.runs;
                         return i;
                     },
                     std::vector{1, 2, 3, 4});
                 r.sum = *view.begin();
             }
             r.pool->shutdown();
         },
         [](round& r) {
             try {
                 r.pool->submit([] {}).wait();
             } catch (const shutdown_error&) {
             }
         });
}
