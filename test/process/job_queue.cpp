// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE job_queue
#include <boost/test/unit_test.hpp>

#include "process/job_queue.hpp"

#include "helpers/fake_call.hpp"

#include <memory>
#include <vector>

// Which jobs wait, in which order, and which go elsewhere while a thread sleeps.

using namespace ferry::detail;

namespace {

using kind = remote_call::job;

/// A pool that is only asked to run callbacks, and does not.
class idle_host final : public call_host {
public:
    void check_open() override {}
    void check_code(const code_ref&) const override {}
    segment_store& store() noexcept override { std::abort(); }
    void submit(remote_call_ptr, entrance) override {}
    void submit_all(std::span<const remote_call_ptr>) override {}
    void dropped(remote_call&, bool) noexcept override {}
    bool revoke(remote_call&) noexcept override { return false; }
    bool started(const remote_call&) const noexcept override { return false; }
    bool ask_to_stop(remote_call&) noexcept override { return false; }
    bool cancel_running(remote_call&) noexcept override { return false; }
    void post_callbacks(remote_call&) noexcept override {}
};

fake_call_ptr call() { return fake_call_ptr(new fake_call(std::make_shared<idle_host>())); }

/// A call with a report of progress that waits to be delivered.
fake_call_ptr report() {
    fake_call_ptr c = call();
    c->state().extra = std::make_unique<task_extra>();
    c->state().extra->progress = std::make_unique<progress_sink>([](const ferry::progress&) {});
    c->note_progress(0.5, "half");
    BOOST_REQUIRE(c->has_report_job());
    return c;
}

void check_order(job_queue& q, const std::vector<remote_call*>& expected) {
    for (remote_call* const c : expected) {
        BOOST_REQUIRE(!q.empty());
        BOOST_TEST(&q.take() == c);
    }
    BOOST_TEST(q.empty());
}

} // namespace

BOOST_AUTO_TEST_CASE(jobs_are_taken_in_the_order_in_which_they_came) {
    const auto a = call(), b = call(), c = call();
    job_queue q(kind::reports_or_callbacks);
    BOOST_TEST(q.empty());
    q.push(*a);
    q.push(*b);
    BOOST_TEST(&q.take() == a.get());
    q.push(*c);
    q.push(*a);
    check_order(q, {b.get(), c.get(), a.get()});
    BOOST_TEST(q.taken() == 4u);
}

BOOST_AUTO_TEST_CASE(a_call_may_wait_for_a_job_of_each_kind) {
    const auto a = call(), b = call();
    job_queue decoding(kind::decoding), callbacks(kind::reports_or_callbacks);
    decoding.push(*a);
    callbacks.push(*b);
    callbacks.push(*a);
    decoding.push(*b);
    check_order(decoding, {a.get(), b.get()});
    check_order(callbacks, {b.get(), a.get()});
}

BOOST_AUTO_TEST_CASE(diverted_reports_leave_in_their_order_and_the_rest_stays) {
    const auto a = call(), b = call();
    const auto r = report(), s = report();
    job_queue q(kind::reports_or_callbacks);
    for (const auto& c : {r, a, s, b})
        q.push(*c);
    job_queue reports = q.divert_reports();
    check_order(reports, {r.get(), s.get()});
    BOOST_TEST(q.taken() == 0u);
    check_order(q, {a.get(), b.get()});
}

BOOST_AUTO_TEST_CASE(reports_are_refused_until_the_last_diversion_ends) {
    const auto c = call(), r = report();
    job_queue q(kind::reports_or_callbacks);
    BOOST_TEST(q.accepts(*r));
    BOOST_TEST(q.divert_reports().empty());
    BOOST_TEST(q.divert_reports().empty());
    BOOST_TEST(!q.accepts(*r));
    BOOST_TEST(q.accepts(*c));
    q.accept_reports();
    BOOST_TEST(!q.accepts(*r));
    q.accept_reports();
    BOOST_TEST(q.accepts(*r));
    q.push(*r);
    check_order(q, {r.get()});
}
