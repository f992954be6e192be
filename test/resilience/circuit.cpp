// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The states of a circuit, with a clock that is moved by hand.
#include "resilience/circuit.hpp"

#define BOOST_TEST_MODULE circuit
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>

using namespace ferry;
using namespace std::chrono_literals;
using detail::call_outcome;
using detail::circuit;

namespace {

/// A circuit and a clock that is moved by hand.
struct stepped {
    explicit stepped(circuit_breaker_options options) : machine(options) {}

    circuit machine;
    circuit::clock::time_point now{};

    circuit_state state() const { return machine.state(now); }
    std::optional<circuit::pass> admit() { return machine.admit(now); }
    void report(const circuit::pass& p, call_outcome how) { machine.report(p, how, now); }
    /// One call at a time.
    void succeed() { report(admit().value(), call_outcome::success); }
    void fail() { report(admit().value(), call_outcome::failure); }
    void open() {
        while (state() == circuit_state::closed)
            fail();
    }
};

constexpr circuit_breaker_options usual{
    .threshold = 3, .reset_timeout = 10s, .half_open_probes = 2, .probe_timeout = 5s};

} // namespace

BOOST_AUTO_TEST_CASE(failures_in_a_row_open_it) {
    stepped s(usual);
    s.fail();
    s.fail();
    s.succeed();
    s.fail();
    s.fail();
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail();
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 10s));
}

BOOST_AUTO_TEST_CASE(after_the_reset_timeout_some_probes_pass) {
    stepped s(usual);
    s.open();
    s.now += 10s - 1ns;
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == 1ns));
    BOOST_TEST(!s.admit().has_value());
    s.now += 1ns;
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.machine.entered() == circuit_state::open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(s.machine.entered() == circuit_state::half_open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 5s));
}

BOOST_AUTO_TEST_CASE(the_first_probe_that_succeeds_closes_it) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    const auto second = s.admit().value();
    s.report(second, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::closed);
    s.report(first, call_outcome::failure); // of another era
    s.fail();
    s.fail();
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail();
    BOOST_TEST(s.state() == circuit_state::open);
}

BOOST_AUTO_TEST_CASE(the_first_probe_that_fails_opens_it_again) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    const auto second = s.admit().value();
    s.now += 1s;
    s.report(first, call_outcome::failure);
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == 10s));
    s.report(second, call_outcome::success); // too late to close it
    BOOST_TEST(s.state() == circuit_state::open);
}

BOOST_AUTO_TEST_CASE(what_began_before_the_opening_counts_no_more) {
    stepped s(usual);
    const auto slow = s.admit().value();
    const auto slower = s.admit().value();
    const auto slowest = s.admit().value();
    s.open();
    s.report(slow, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    const auto probe = s.admit().value();
    s.report(slower, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::half_open);
    s.report(slowest, call_outcome::failure);
    BOOST_TEST(s.state() == circuit_state::half_open);
    s.report(probe, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_counts_as_nothing_and_returns_its_place) {
    stepped s(usual);
    s.fail();
    s.fail();
    s.report(s.admit().value(), call_outcome::cancelled);
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail(); // the third in a row
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    const auto first = s.admit().value();
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::cancelled);
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::cancelled); // of which there is no place left
    BOOST_TEST(!s.admit().has_value());
}

BOOST_AUTO_TEST_CASE(a_probe_that_does_not_report_is_given_up) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    s.now += 2s;
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 3s));
    s.now += 3s - 1ns;
    BOOST_TEST(!s.admit().has_value());
    s.now += 1ns;
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 2s));
    s.report(first, call_outcome::cancelled); // takes no place from the others
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::success); // slow, but a success since the opening
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(reports_without_a_pass_count_for_probes_without_one_only) {
    stepped s(usual);
    s.open();
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    BOOST_TEST(s.admit().has_value());
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.machine.admit_unnamed(s.now));
    BOOST_TEST(!s.machine.admit_unnamed(s.now));
    s.machine.report_unnamed(call_outcome::cancelled, s.now);
    BOOST_TEST(s.machine.admit_unnamed(s.now));
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(without_limits_it_stays_as_it_is) {
    stepped s({.threshold = 1, .reset_timeout = std::nullopt});
    s.fail();
    s.now = circuit::clock::time_point::max() - 1ns;
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == circuit::clock::duration::max()));
    stepped late({.threshold = 1, .reset_timeout = 10s});
    late.now = s.now;
    late.fail(); // the end is beyond the clock
    BOOST_TEST(late.state() == circuit_state::open);
    stepped lost({.threshold = 1, .reset_timeout = 0s, .probe_timeout = std::nullopt});
    lost.fail();
    BOOST_TEST(lost.admit().has_value());
    lost.now += 1000h;
    BOOST_TEST(!lost.admit().has_value());
    BOOST_TEST((lost.machine.retry_after(lost.now) == circuit::clock::duration::max()));
}
