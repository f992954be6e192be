// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE process_line
#include <boost/test/unit_test.hpp>

#include "process/process_line.hpp"

#include "helpers/fake_call.hpp"

#include <vector>

// The line before a pool with one worker, which has not started, and a queue of one task behind it.

using namespace ferry::detail;
using ferry::process_pool_options;

namespace {

process_pool_options options_of(ferry::when_full when_full) {
    process_pool_options o;
    o.name = "bounded";
    o.max_workers = 1;
    o.max_queue = 1;
    o.when_full = when_full;
    return o;
}

class bench final : public line_owner {
public:
    explicit bench(ferry::when_full when_full)
        : options(options_of(when_full)), dispatching(1, 8), line(options, dispatching) {}
    ~bench() override {
        while (dispatch_item* const i = dispatching.queue().first())
            dispatching.queue().remove(*i);
    }

    /// A call, which the queue or the line shares from then on where it is not refused.
    entered enter(const fake_call_ptr& c, bool exempt = false) {
        scoped_lock lock(mutex);
        c->state().owner = this;
        const entered e = line.enter_or_stand(*c, entrance::coroutine, exempt, lock);
        intrusive_ptr_add_ref(c.get());
        shares.emplace_back(c.get(), false);
        return e;
    }
    fake_call_ptr call() { return fake_call_ptr(new fake_call); }
    static bool is_queued(const fake_call_ptr& c) { return dispatch_queue::contains(*c); }

    const process_pool_options options;
    adaptive_mutex mutex;
    dispatcher dispatching;
    process_line line;
    std::vector<fake_call_ptr> shares;

private:
    void on_claimed_in_line(ferry::detail::shared_state_base& task) noexcept override {
        line.claimed(task);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_all_but_exempt_tasks) {
    bench b(ferry::when_full::reject);
    const auto first = b.call(), second = b.call(), third = b.call(), exempt = b.call();
    BOOST_CHECK(b.enter(first) == entered::yes); // the worker that can be started takes it
    BOOST_CHECK(b.enter(second) == entered::yes);
    BOOST_CHECK_THROW(b.enter(third), ferry::queue_full_error);
    BOOST_TEST(!b.is_queued(third));
    BOOST_CHECK(b.enter(exempt, true) == entered::yes);
    BOOST_TEST(b.dispatching.queue().size() == 3u);
}

BOOST_AUTO_TEST_CASE(who_stands_in_line_is_let_in_in_turn) {
    bench b(ferry::when_full::block);
    std::vector<fake_call_ptr> calls;
    for (int i = 0; i != 4; ++i) {
        calls.push_back(b.call());
        BOOST_CHECK(b.enter(calls.back()) == (i < 2 ? entered::yes : entered::stands));
    }
    b.line.advance();
    BOOST_TEST(b.dispatching.queue().size() == 2u); // there is no room
    b.dispatching.queue().remove(*calls[0]);
    b.line.advance();
    BOOST_TEST(b.is_queued(calls[2]));
    BOOST_TEST(!b.is_queued(calls[3]));
    b.dispatching.queue().remove(*calls[1]);
    b.line.advance();
    BOOST_TEST(b.is_queued(calls[3]));
    BOOST_TEST(b.line.take_given_up().empty());
}

BOOST_AUTO_TEST_CASE(a_task_that_is_cancelled_in_the_line_is_given_up) {
    bench b(ferry::when_full::block);
    std::vector<fake_call_ptr> calls;
    for (int i = 0; i != 4; ++i) {
        calls.push_back(b.call());
        static_cast<void>(b.enter(calls.back()));
    }
    BOOST_TEST(calls[2]->cancel());
    b.dispatching.queue().remove(*calls[0]);
    b.line.advance();
    BOOST_TEST(!b.is_queued(calls[2]));
    BOOST_TEST(b.is_queued(calls[3])); // which has its place
    fifo gone = b.line.take_given_up();
    BOOST_TEST(gone.pop() == static_cast<work_item*>(calls[2].get()));
    BOOST_TEST(gone.empty());
    BOOST_TEST(b.line.take_given_up().empty());
}

BOOST_AUTO_TEST_CASE(a_closed_pool_sends_everybody_away) {
    bench b(ferry::when_full::block);
    std::vector<fake_call_ptr> calls;
    for (int i = 0; i != 3; ++i) {
        calls.push_back(b.call());
        static_cast<void>(b.enter(calls.back()));
    }
    const auto all = b.line.clear();
    BOOST_REQUIRE(all.size() == 1u);
    BOOST_TEST(all[0].task == &calls[2]->state());
    b.dispatching.queue().remove(*calls[0]);
    b.line.advance();
    BOOST_TEST(!b.is_queued(calls[2]));
}
