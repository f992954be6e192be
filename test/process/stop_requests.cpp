// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE stop_requests
#include <boost/test/unit_test.hpp>

#include "process/stop_requests.hpp"

#include <future>
#include <optional>

// Requests that come before, during and after the task that they are for.

using ferry::detail::stop_requests;

BOOST_AUTO_TEST_CASE(the_task_that_runs_is_asked_to_stop) {
    stop_requests stops;
    const std::stop_token token = stops.begin(7);
    BOOST_TEST(!token.stop_requested());
    std::promise<void> asked;
    const std::stop_callback on_stop(token, [&] { asked.set_value(); });
    stops.request(7);
    asked.get_future().wait();
    BOOST_TEST(token.stop_requested());
    stops.end();
}

BOOST_AUTO_TEST_CASE(a_request_for_another_task_is_ignored) {
    stop_requests stops;
    stops.request(7); // none runs
    const std::stop_token earlier = stops.begin(7);
    stops.end();
    const std::stop_token token = stops.begin(8);
    std::promise<void> asked;
    const std::stop_callback on_stop(token, [&] { asked.set_value(); });
    stops.request(7);
    stops.request(8);
    asked.get_future().wait();
    BOOST_TEST(!earlier.stop_requested());
    stops.end();
}

BOOST_AUTO_TEST_CASE(a_task_that_has_ended_is_not_asked) {
    stop_requests stops;
    std::optional<std::stop_token> token = stops.begin(7);
    BOOST_TEST(token->stop_possible());
    stops.end();
    stops.request(7);
    BOOST_TEST(!token->stop_possible()); // nobody has kept its source
}
