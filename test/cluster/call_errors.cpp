// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What the errors of calls say about broker and hosts, by stepping.
#define BOOST_TEST_MODULE call_errors
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/call_errors.hpp"
#include "helpers/fake_call.hpp"

using namespace ferry::detail;
using namespace ferry::detail::cluster;
using namespace std::chrono_literals;
using what = ledger::what;

namespace {

template <class Error>
std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const Error& e) {
        return e.what();
    } catch (const std::exception& e) {
        return std::string("another error: ") + e.what();
    }
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct fixture {
    ledger::time now{1000s};
    ledger book{{.heartbeat = 10s}, now}; // out of reach until it is connected
    ledger::actions out;
    ferry::cluster_options options;
    call_errors errors{options, "app/1"};
    fake_call_ptr call{new fake_call};

    void connect() {
        book.consumer_connected(true, now, out);
        book.publisher_connected(now);
        errors.connected();
    }
    void announce(const char* host, const char* queue) {
        book.announced({.host = host, .build = queue, .version = "0.1", .workers = 1});
    }
    template <class Error>
    std::string text(what kind, const std::string& why = {}) {
        return text_of<Error>(errors.error_for({kind, 1, why}, *call, book, 3s));
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_lost_call_says_why, fixture) {
    BOOST_TEST(
        contains(text<ferry::worker_died>(what::died, "its host is gone"), "': its host is gone"));
}

BOOST_FIXTURE_TEST_CASE(a_call_that_the_broker_refuses_says_how_long_it_would_wait, fixture) {
    book.add(1, {}, now);
    book.add(2, {}, now);
    try {
        std::rethrow_exception(errors.error_for({what::full, 1, "it is full"}, *call, book, 3s));
    } catch (const ferry::queue_full_error& e) {
        BOOST_TEST(contains(e.what(), "': it is full"));
        BOOST_TEST(e.queued() == 2);
        BOOST_TEST((e.retry_after() == 3s));
    }
}

BOOST_FIXTURE_TEST_CASE(a_broker_that_is_not_reached_is_named_with_the_latest_failure, fixture) {
    BOOST_TEST(contains(text<ferry::no_worker_error>(what::unreachable),
                        "has waited for the broker for 60s; the broker is out of reach"));
    errors.connect_failed("no route");
    errors.connect_failed("connection refused");
    const std::string tried = "; the broker is out of reach, after 2 attempts: connection refused";
    BOOST_TEST(contains(text<ferry::no_worker_error>(what::unreachable), tried));
    announce("a", "app/1");
    BOOST_TEST(contains(text<ferry::no_worker_error>(what::late), tried));
    connect();
    BOOST_TEST(!contains(text<ferry::timeout_error>(what::late), "out of reach"));
    book.consumer_lost(now);
    errors.connect_failed("reset");
    BOOST_TEST(
        contains(text<ferry::no_worker_error>(what::unreachable), "after 1 attempts: reset"));
}

BOOST_FIXTURE_TEST_CASE(a_late_call_says_whether_any_host_serves_it, fixture) {
    connect();
    BOOST_TEST(contains(text<ferry::no_worker_error>(what::late),
                        "did not start in time: no host serves 'app/1'; no host has answered"));
    announce("b", "app/3");
    announce("c", "app/2");
    announce("d", "app/2");
    BOOST_TEST(contains(text<ferry::no_worker_error>(what::late),
                        "no host serves 'app/1'; hosts have answered for app/2, app/3"));
    announce("a", "app/1");
    BOOST_TEST(
        contains(text<ferry::timeout_error>(what::late), "the task '' did not start in time ["));
    BOOST_TEST(text_of<ferry::timeout_error>(call_errors::late(*call)) ==
               text<ferry::timeout_error>(what::late));
}

BOOST_FIXTURE_TEST_CASE(a_call_may_be_left_running, fixture) {
    BOOST_TEST(contains(text_of<ferry::worker_died>(call_errors::left(*call)),
                        "' was still running when its pool ended"));
}
