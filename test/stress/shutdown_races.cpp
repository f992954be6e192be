// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE shutdown_races
#include "jobs.hpp"

#include <ferry/submit.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <optional>

using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;

namespace {

/// The ways to shut a pool down, in turn.
class ending_pool {
public:
    explicit ending_pool(thread_pool_options options = {.max_workers = 2})
        : pool_(std::in_place, options), how_(++rounds % 4) {}
    thread_pool& operator*() { return *pool_; }
    thread_pool* operator->() { return &*pool_; }
    void shut_down(timeout limit = 0s) {
        switch (how_) {
        case 0: return pool_->shutdown();
        case 1: return pool_->shutdown({.wait = false});
        case 2: return pool_->shutdown({.wait = false, .cancel_futures = true});
        default: dropped = pool_->shutdown(limit).dropped;
        }
    }
    bool may_drop() const { return how_ >= 2; }
    bool with_report() const { return how_ == 3; }
    void destroy() { pool_.reset(); }

    std::size_t dropped = 0;

private:
    static inline unsigned rounds = 0;
    std::optional<thread_pool> pool_;
    const unsigned how_;
};

/// One submission and what became of it.
struct submission : job {
    future<int> f;
    bool refused = false;

    template <class Submit>
    void make(Submit submit) {
        try {
            f = submit(callable());
        } catch (const shutdown_error&) {
            refused = true;
        }
    }
    /// After the end of the pool: the outcome, which must be one of those allowed.
    std::string_view check(bool may_be_cancelled) {
        BOOST_REQUIRE(refused != f.valid());
        if (!refused)
            BOOST_REQUIRE(f.wait_for(10s)); // a thread left behind at a deadline may run it still
        const auto how = refused ? "refused" : ending_of(f);
        BOOST_REQUIRE((how == "cancelled" ? may_be_cancelled : how == "refused" || how == "value"));
        BOOST_REQUIRE(runs() == (how == "value" ? 1 : 0));
        BOOST_REQUIRE(gone());
        return how;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_task_submitted_during_a_shutdown_runs_or_is_refused) { // CF-SHUT-01 -18 -27
    struct round {
        ending_pool pool;
        submission one, two;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.destroy();
             const auto first = r.one.check(r.pool.may_drop());
             const auto second = r.two.check(r.pool.may_drop());
             BOOST_REQUIRE(
                 (!r.pool.with_report() || r.pool.dropped == unsigned(first == "cancelled") +
                                                                 unsigned(second == "cancelled")));
             return first;
         },
         [](round& r) { r.one.make([&](auto f) { return r.pool->submit(f); }); },
         [](round& r) { r.two.make([&](auto f) { return r.pool->submit(f); }); },
         [](round& r) { r.pool.shut_down(); });
}

BOOST_AUTO_TEST_CASE(several_shutdowns_and_a_submission_agree) { // CF-SHUT-18
    struct round {
        ending_pool pool;
        submission one;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.destroy();
             return r.one.check(r.pool.may_drop());
         },
         [](round& r) { r.pool->shutdown(); }, [](round& r) { r.pool.shut_down(); },
         [](round& r) { r.one.make([&](auto f) { return r.pool->submit(f); }); });
}

BOOST_AUTO_TEST_CASE(a_call_through_a_strand_during_a_shutdown_runs_or_is_refused) { // CF-SHUT-01
    struct round {
        ending_pool pool;
        submission one, two;
        std::optional<boost::asio::strand<thread_pool::executor_type>> strand{pool->get_executor()};
    };
    race([] { return round(); },
         [](round& r) {
             r.strand.reset();
             r.pool.destroy();
             static_cast<void>(r.two.check(r.pool.may_drop()));
             return r.one.check(r.pool.may_drop());
         },
         [](round& r) { r.one.make([&](auto f) { return submit(*r.strand, f); }); },
         [](round& r) { r.two.make([&](auto f) { return submit(*r.strand, f); }); },
         [](round& r) { r.pool.shut_down(10s); });
}

BOOST_AUTO_TEST_CASE(what_is_posted_during_a_shutdown_runs_or_is_destroyed) { // CF-TP-20
    struct round : job {
        ending_pool pool;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.destroy();
             BOOST_REQUIRE(await([&] { return r.gone(); })); // a thread left behind may run it
             BOOST_REQUIRE(r.runs() <= 1);
             return r.runs() == 1 ? "ran" : "destroyed";
         },
         [](round& r) { boost::asio::post(*r.pool, r.callable()); },
         [](round& r) { r.pool.shut_down(); });
}

BOOST_AUTO_TEST_CASE(a_submitter_that_waits_for_room_is_let_go_by_a_shutdown) { // CF-TP-17
    struct round {
        ending_pool pool{{.max_workers = 1, .max_queue = 1}};
        plugged task{*pool};
        submission one, two;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.destroy();
             BOOST_REQUIRE(r.task.plug.wait_for(10s)); // before it goes
             BOOST_REQUIRE(r.task.f.wait_for(10s));
             static_cast<void>(r.two.check(r.pool.may_drop()));
             return r.one.check(r.pool.may_drop());
         },
         [](round& r) { r.one.make([&](auto f) { return r.pool->submit(f); }); },
         [](round& r) { r.two.make([&](auto f) { return r.pool->submit(f); }); },
         [](round& r) {
             r.task.go = true;
             r.pool.shut_down();
         });
}
