// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What was sent to the broker and is not confirmed, by stepping.
#define BOOST_TEST_MODULE publish_window
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/publish_window.hpp"

using ferry::detail::cluster::publish_window;

namespace {

struct fixture {
    publish_window window{{.messages = 4, .bytes = 100}};
    std::vector<publish_window::message> tasks;

    // Sends the messages 1, 2, ... of the connection, which are tasks with ten times that number.
    void send(std::uint64_t n, std::size_t bytes = 10) {
        window.sent({10 * n, static_cast<std::uint32_t>(n)}, bytes);
    }
    std::vector<std::uint64_t> settle(std::uint64_t number, bool multiple) {
        tasks.clear();
        any = window.settle(number, multiple, tasks);
        std::vector<std::uint64_t> numbers;
        for (const auto& t : tasks) {
            BOOST_TEST(t.number == 10 * t.round); // they belong together
            numbers.push_back(t.number);
        }
        return numbers;
    }
    bool any = false;
};

using numbers = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_CASE(a_message_is_settled_once, fixture) {
    send(1);
    send(2);
    BOOST_TEST((settle(2, false) == numbers{20}));
    BOOST_TEST(any);
    BOOST_TEST(settle(2, false).empty());
    BOOST_TEST(!any);
    BOOST_TEST((settle(1, false) == numbers{10}));
}

BOOST_FIXTURE_TEST_CASE(one_answer_may_settle_all_messages_up_to_one, fixture) {
    for (std::uint64_t n = 1; n <= 4; ++n)
        send(n);
    settle(2, false);
    BOOST_TEST((settle(3, true) == numbers{10, 30}));
    BOOST_TEST((settle(4, true) == numbers{40}));
    BOOST_TEST(settle(4, true).empty());
    BOOST_TEST(!any);
}

BOOST_FIXTURE_TEST_CASE(an_answer_may_name_a_message_that_was_settled_already, fixture) {
    send(1);
    send(2);
    send(3);
    settle(2, false);
    BOOST_TEST((settle(2, true) == numbers{10}));
    BOOST_TEST((settle(3, false) == numbers{30}));
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_nothing_is_none, fixture) {
    BOOST_TEST(settle(1, false).empty());
    BOOST_TEST(settle(1, true).empty());
    BOOST_TEST(!any);
    send(1);
    BOOST_TEST(settle(2, false).empty());
    BOOST_TEST(!any);
    BOOST_TEST((settle(7, true) == numbers{10})); // all there are
}

BOOST_FIXTURE_TEST_CASE(what_is_no_task_takes_a_number_and_room_only, fixture) {
    send(1);
    window.sent({}, 10);
    send(3);
    BOOST_TEST(window.has_room_after(0, 69));
    BOOST_TEST(!window.has_room_after(0, 70));
    BOOST_TEST(settle(2, false).empty());
    BOOST_TEST(any); // there is room now
    BOOST_TEST(window.has_room_after(0, 79));
    BOOST_TEST((settle(3, true) == numbers{10, 30}));
}

BOOST_FIXTURE_TEST_CASE(there_is_room_for_so_many_messages, fixture) {
    BOOST_TEST(window.has_room_after(3, 0));
    BOOST_TEST(!window.has_room_after(4, 0));
    send(1, 0);
    send(2, 0);
    BOOST_TEST(window.has_room_after(1, 0));
    BOOST_TEST(!window.has_room_after(2, 0));
    settle(1, false);
    BOOST_TEST(window.has_room_after(2, 0));
    BOOST_TEST(!window.has_room_after(3, 0));
    settle(2, true);
    BOOST_TEST(window.has_room_after(3, 0));
}

BOOST_FIXTURE_TEST_CASE(the_bytes_of_settled_messages_make_room, fixture) {
    send(1, 60);
    send(2, 30);
    BOOST_TEST(window.has_room_after(0, 9));
    BOOST_TEST(!window.has_room_after(0, 10));
    settle(1, false);
    BOOST_TEST(window.has_room_after(0, 69));
    BOOST_TEST(!window.has_room_after(0, 70));
    send(3, 1000); // a large one goes alone
    BOOST_TEST(!window.has_room_after(0, 0));
    settle(3, true);
    BOOST_TEST(window.has_room_after(0, 99));
}
