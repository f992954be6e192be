// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE task_quarantine
#include <boost/test/unit_test.hpp>

#include "process/task_quarantine.hpp"

#include "helpers/fake_call.hpp"

using namespace std::chrono_literals;
using namespace ferry::detail;

namespace {

fake_call_ptr call(std::uint64_t fingerprint) {
    fake_call_ptr c(new fake_call);
    c->fingerprint = fingerprint;
    return c;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_death_too_many_has_the_queue_looked_through) {
    task_quarantine q(2, 1h);
    const auto guilty = call(7), other = call(8);
    BOOST_TEST(!q.blame(*guilty, death_cause::crash));
    BOOST_TEST(!q.is_pending());
    BOOST_CHECK_NO_THROW(q.check(*guilty));
    BOOST_TEST(q.blame(*guilty, death_cause::run_time));
    BOOST_TEST(q.is_pending());
    q.looked_through();
    BOOST_TEST(!q.is_pending());
    BOOST_CHECK_THROW(q.check(*guilty), ferry::quarantined_error);
    BOOST_CHECK_NO_THROW(q.check(*other));
    q.found();
    BOOST_TEST(q.is_pending());
}

BOOST_AUTO_TEST_CASE(the_error_names_the_deaths) {
    task_quarantine q(1, 1h);
    const auto guilty = call(7);
    BOOST_TEST(q.blame(*guilty, death_cause::resource_limit));
    const auto s = q.sentence_of(*guilty);
    BOOST_REQUIRE(s.has_value());
    BOOST_TEST(s->deaths == 1u);
    BOOST_CHECK_THROW(std::rethrow_exception(task_quarantine::error_of(*guilty, *s)),
                      ferry::quarantined_error);
}

BOOST_AUTO_TEST_CASE(what_the_pool_does_itself_and_what_is_not_told_apart_is_not_blamed) {
    task_quarantine q(1, 1h);
    const auto named = call(7), nameless = call(0);
    BOOST_TEST(!q.blame(*named, death_cause::cancelled));
    BOOST_TEST(!q.blame(*named, death_cause::dismissed));
    BOOST_TEST(!q.blame(*nameless, death_cause::crash));
    BOOST_TEST(!q.is_pending());
    BOOST_TEST(!q.sentence_of(*named).has_value());
}

BOOST_AUTO_TEST_CASE(a_pardon_ends_every_sentence) {
    task_quarantine q(1, 1h);
    const auto guilty = call(7);
    BOOST_TEST(q.blame(*guilty, death_cause::crash));
    q.pardon_all();
    BOOST_TEST(!q.sentence_of(*guilty).has_value());
    BOOST_CHECK_NO_THROW(q.check(*guilty));
}
