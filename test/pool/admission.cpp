// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The decisions of a bounded pool, step by step, without a thread and without a clock.
#include "pool/admission.hpp"

#include <ferry/promise.hpp>

#define BOOST_TEST_MODULE admission
#include <boost/test/unit_test.hpp>

#include <limits>
#include <memory>
#include <ostream>
#include <vector>

using namespace ferry;
using namespace ferry::detail;
using namespace std::chrono_literals;
using decision = admission::decision;

namespace ferry::detail {
std::ostream& operator<<(std::ostream& os, admission::decision d) {
    return os << static_cast<int>(d);
}
} // namespace ferry::detail

namespace {

struct pool_seen {
    std::size_t in_queue = 0, before = 0, idle = 0, most = 2;
    std::chrono::nanoseconds mean{};

    std::size_t queued() const { return in_queue; }
    std::size_t ahead(int) const { return before; }
    std::size_t free_workers() const { return idle; }
    std::size_t workers() const { return most; }
    std::chrono::nanoseconds mean_run_time() const { return mean; }
};

struct waiting_task final : shared_state<void> {};

// Tasks that stand in the line of an admission, each with a share of the line.
struct line {
    explicit line(admission& a) : of(a) {}
    ~line() {
        for (const auto& p : of.clear())
            intrusive_ptr_release(p.task);
    }
    boost::intrusive_ptr<waiting_task> stand(std::size_t bytes = 0, int priority = 0) {
        boost::intrusive_ptr<waiting_task> t(new waiting_task);
        BOOST_TEST_REQUIRE(t->stand_in_line());
        of.stand({t.get(), nullptr, bytes, priority});
        intrusive_ptr_add_ref(t.get());
        return t;
    }
    std::vector<shared_state_base*> advance(pool_seen p) {
        std::vector<shared_state_base*> in;
        of.advance(
            p,
            [&](const admission::place& x) {
                in.push_back(x.task);
                ++p.in_queue;
                of.add_bytes(x.bytes);
                intrusive_ptr_release(x.task);
            },
            [&](const admission::place& x) { intrusive_ptr_release(x.task); });
        return in;
    }
    // As its owner would hear of it.
    void cancel(waiting_task& t) {
        BOOST_TEST_REQUIRE(t.cancel());
        due_for_purge = of.on_claimed(t);
    }
    admission& of;
    bool due_for_purge = false;
};

admission_limits limits(std::size_t queue, std::size_t bytes, timeout wait = {},
                        when_full full = when_full::block) {
    return {queue, bytes, wait, full};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_task_waits_only_beyond_the_free_workers) {
    admission a(limits(2, 0));
    for (std::size_t idle = 0; idle != 3; ++idle) {
        pool_seen p{.in_queue = idle + 1, .idle = idle};
        BOOST_TEST(a.decide({}, p) == decision::enter);
        p.in_queue = idle + 2;
        BOOST_TEST(a.decide({}, p) == decision::stand_in_line);
    }
    admission r(limits(2, 0, {}, when_full::reject));
    pool_seen full{.in_queue = 2};
    BOOST_TEST(r.decide({}, full) == decision::full);
    BOOST_TEST(r.decide({.may_wait = true}, full) == decision::stand_in_line);
}

BOOST_AUTO_TEST_CASE(bytes_count_while_a_task_waits) {
    admission a(limits(0, 100, {}, when_full::reject));
    pool_seen busy{.in_queue = 1};
    a.add_bytes(60);
    BOOST_TEST(a.decide({.bytes = 40}, busy) == decision::enter);
    BOOST_TEST(a.decide({.bytes = 41}, busy) == decision::full);
    BOOST_TEST(a.decide({.bytes = 0}, busy) == decision::enter);
    pool_seen idle{.in_queue = 1, .idle = 2};
    BOOST_TEST(a.decide({.bytes = 100}, idle) == decision::start);
    for (auto* p : {&busy, &idle}) {
        BOOST_TEST(a.decide({.bytes = 101}, *p) == decision::too_large);
        BOOST_TEST(a.decide({.bytes = 101, .may_wait = true}, *p) == decision::too_large);
    }
    a.remove_bytes(60);
    a.add_bytes(10);
    BOOST_CHECK_THROW(a.check_bytes(std::numeric_limits<std::size_t>::max()),
                      std::invalid_argument);
    BOOST_TEST(a.bytes() == 10u);
}

BOOST_AUTO_TEST_CASE(the_estimate_is_what_is_ahead_by_the_mean_and_the_workers) {
    admission a(limits(0, 0, 100ms));
    BOOST_TEST((admission::estimate(10, 20ms, 4) == 50ms));
    BOOST_TEST((admission::estimate(10, 0ns, 4) == 0ns)); // before the first has finished
    BOOST_TEST((admission::estimate(std::numeric_limits<std::size_t>::max(), 1h, 1) ==
                std::chrono::nanoseconds::max()));
    pool_seen p{.in_queue = 9, .before = 9, .most = 2, .mean = 20ms};
    BOOST_TEST(a.decide({}, p) == decision::enter); // 90 ms
    p.before = p.in_queue = 11;                     // 110 ms
    BOOST_TEST(a.decide({}, p) == decision::too_slow);
    BOOST_TEST(a.decide({.may_wait = true}, p) == decision::enter);
    p.idle = 12;
    BOOST_TEST(a.decide({}, p) == decision::start);
    p.idle = 0;
    p.mean = 0ns;
    BOOST_TEST(a.decide({}, p) == decision::enter);
}

BOOST_AUTO_TEST_CASE(a_task_that_would_miss_its_own_start_by_is_refused) {
    admission a(limits(0, 0, 1h));
    const timeout::clock::time_point now{};
    pool_seen p{.in_queue = 10, .before = 10, .most = 1, .mean = 10ms}; // 100 ms
    BOOST_TEST(a.decide({.now = now, .start_by = now + 101ms}, p) == decision::enter);
    BOOST_TEST(a.decide({.now = now, .start_by = now + 99ms}, p) == decision::too_slow);
}

BOOST_AUTO_TEST_CASE(with_no_wait_at_all_only_a_free_worker_helps) {
    admission a(limits(0, 0, 0s));
    pool_seen p{.in_queue = 0, .idle = 1};
    BOOST_TEST(a.decide({}, p) == decision::start);
    p.in_queue = 1;
    BOOST_TEST(a.decide({}, p) == decision::too_slow);
    BOOST_TEST(a.decide({.may_wait = true}, p) == decision::enter);
}

BOOST_AUTO_TEST_CASE(the_line_is_first_come_first_served) {
    admission a(limits(1, 100));
    line l(a);
    pool_seen p{.in_queue = 1};
    a.add_bytes(90);
    const auto large = l.stand(50), small = l.stand(5);
    BOOST_TEST(l.advance(p).empty());
    BOOST_TEST(a.decide({}, p) == decision::stand_in_line); // nobody overtakes
    p.in_queue = 0;
    BOOST_TEST(l.advance(p).empty()); // the bytes do not fit, and the small one waits behind
    a.remove_bytes(90);
    const auto in = l.advance(p);
    BOOST_TEST(in.size() == 1u);
    BOOST_TEST(in.front() == large.get());
    BOOST_TEST(!large->is_in_line());
    p.in_queue = 0;
    BOOST_TEST(l.advance(p).front() == small.get());
    BOOST_TEST(a.is_line_empty());
}

BOOST_AUTO_TEST_CASE(who_gives_up_leaves_the_line) {
    admission a(limits(1, 0));
    line l(a);
    pool_seen p{.in_queue = 1};
    const auto first = l.stand(), second = l.stand(), third = l.stand();
    l.cancel(*first);
    l.cancel(*second);
    BOOST_TEST(!a.is_line_empty());
    p.in_queue = 0;
    BOOST_TEST(l.advance(p).front() == third.get());
    BOOST_TEST(first->references() == 1u); // the line has let go of it
    const auto fourth = l.stand();
    l.cancel(*fourth);
    BOOST_TEST(a.is_line_empty()); // though the place is still there
    p.in_queue = 0;
    BOOST_TEST(a.decide({}, p) == decision::enter);
}

BOOST_AUTO_TEST_CASE(many_who_give_up_in_the_middle_are_purged) {
    admission a(limits(1, 0));
    line l(a);
    const auto first = l.stand();
    std::vector<boost::intrusive_ptr<waiting_task>> others;
    for (int i = 0; i != 10000; ++i)
        others.push_back(l.stand());
    std::size_t purged = 0;
    for (const auto& t : others) {
        l.cancel(*t);
        if (l.due_for_purge)
            a.purge([&](const admission::place& x) {
                ++purged;
                intrusive_ptr_release(x.task);
            });
    }
    BOOST_TEST(purged > 9000u);
    BOOST_TEST(a.line_size() < 600u);
    BOOST_TEST(l.advance(pool_seen{}).front() == first.get());
}

BOOST_AUTO_TEST_CASE(the_estimate_counts_the_line_by_priority) {
    admission a(limits(1, 0));
    line l(a);
    const auto low = l.stand(0, -1), normal = l.stand(0, 0), high = l.stand(0, 7);
    pool_seen p{.in_queue = 1, .before = 0, .most = 1, .mean = 1s};
    BOOST_TEST((a.estimate(7, p) == 1s));
    BOOST_TEST((a.estimate(8, p) == 0s));
    BOOST_TEST((a.estimate(0, p) == 2s));
    BOOST_TEST((a.estimate(-1, p) == 3s));
    l.cancel(*normal);
    BOOST_TEST((a.estimate(0, p) == 1s));
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_and_how_much) {
    waiting_task t;
    const auto text = [&](decision d, const admission_limits& l, const admission_request& r,
                          std::chrono::nanoseconds wait) {
        try {
            std::rethrow_exception(refusal(d, "the pool 'x'", t, r, l, 7, wait));
        } catch (const queue_full_error& e) {
            BOOST_TEST(e.queued() == 7u);
            BOOST_TEST((e.retry_after() ==
                        (d == decision::too_large ? std::chrono::nanoseconds::max() : wait)));
            return std::string(e.what());
        }
    };
    const auto has = [](const std::string& where, const char* what) {
        BOOST_TEST(where.find(what) != std::string::npos, where << " lacks " << what);
    };
    has(text(decision::full, limits(3, 0), {}, 1s), "max_queue is 3");
    has(text(decision::full, limits(0, 9), {}, 1s), "max_queue_bytes is 9");
    has(text(decision::too_large, limits(0, 9), {.bytes = 10}, 1s), "10 bytes");
    has(text(decision::too_slow, limits(0, 0, 50ms), {}, 120ms), "about 120ms");
    has(text(decision::too_slow, limits(0, 0, 50ms), {}, 120ms), "max_wait is 50ms");
    has(text(decision::too_slow, limits(0, 0, 1h), {}, 120ms), "start_by");
}
