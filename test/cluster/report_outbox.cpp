// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What becomes of the reports of a worker host, by stepping.
#define BOOST_TEST_MODULE report_outbox
#include <boost/test/unit_test.hpp>

#include "cluster/report_outbox.hpp"

using namespace std::chrono_literals;
using namespace ferry::detail::cluster;

namespace {

constexpr report_outbox::clock::time_point start{1h};

task_id id_of(std::uint64_t number) { return {"ferry.reply.a", number, 1}; }

struct fixture {
    report_outbox box;
    report_outbox::clock::time_point now = start;

    void add(const std::string& key) { box.add({.key = key, .body = {}}); }
    // The report of an outcome, or of a start that has to be certain.
    void add_of(std::uint64_t number, bool starts = false) {
        box.add({.key = "of " + std::to_string(number),
                 .body = {},
                 .id = id_of(number),
                 .starts = starts});
    }
    // What is to be published, as text: "1 a, 2 b"; progress as "3 ferry.reply.a 0.5".
    std::string take() {
        std::string text;
        while (const auto next = box.take()) {
            text += text.empty() ? "" : ", ";
            text += std::to_string(next->number) + " " + next->what->key;
            std::string why;
            const auto f = read_frame(next->what->body, why);
            const auto* const p = f ? std::get_if<progress_frame>(&*f) : nullptr;
            if (p != nullptr)
                text += " " + std::to_string(p->number) + " " + p->note;
        }
        return text;
    }
    std::string confirm(std::uint64_t number, bool multiple = false, bool retry = true) {
        std::vector<report_outbox::confirmation> all;
        box.confirmed(number, multiple, retry, now, all);
        std::string text;
        for (const auto& c : all) {
            text += text.empty() ? "" : ", ";
            text += (c.starts ? "start " : "done ") + std::to_string(c.id.number);
        }
        return text;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(reports_are_published_in_order_and_counted_from_1, fixture) {
    BOOST_TEST(box.empty());
    BOOST_TEST(take() == "");
    add("a");
    add("b");
    BOOST_TEST(take() == "1 a, 2 b");
    add("c");
    BOOST_TEST(take() == "3 c");
    BOOST_TEST(!box.empty());
    BOOST_TEST(confirm(3, true) == "");
    BOOST_TEST(box.empty());
    add("d");
    BOOST_TEST(take() == "4 d");
}

BOOST_FIXTURE_TEST_CASE(a_confirm_tells_what_happens_to_the_task, fixture) {
    add_of(7, true);
    add("a");
    add_of(8);
    take();
    BOOST_TEST(confirm(1) == "start 7");
    BOOST_TEST(confirm(2) == "");
    BOOST_TEST(confirm(3) == "done 8");
    BOOST_TEST(confirm(3) == "");
    BOOST_TEST(box.empty());
}

BOOST_FIXTURE_TEST_CASE(confirms_may_come_out_of_order_and_for_many_at_once, fixture) {
    for (std::uint64_t n = 1; n <= 5; ++n)
        add_of(n);
    take();
    BOOST_TEST(confirm(2) == "done 2");
    BOOST_TEST(confirm(2) == "");
    BOOST_TEST(confirm(3, true) == "done 1, done 3");
    BOOST_TEST(confirm(1, true) == "");
    add_of(6);
    BOOST_TEST(take() == "6 of 6");
    BOOST_TEST(confirm(6) == "done 6");
    BOOST_TEST(confirm(99) == ""); // what was never published
    BOOST_TEST(confirm(5, true) == "done 4, done 5");
    BOOST_TEST(box.empty());
}

BOOST_FIXTURE_TEST_CASE(an_unconfirmed_report_stays_in_its_place, fixture) {
    add("a");
    const auto first = box.take();
    BOOST_TEST_REQUIRE(first.has_value());
    for (int i = 0; i != 5000; ++i)
        add("b");
    for (int i = 0; i != 500; ++i)
        static_cast<void>(box.take());
    BOOST_TEST(confirm(200) == "");
    BOOST_TEST(first->what->key == "a");
}

BOOST_FIXTURE_TEST_CASE(a_bounded_number_of_reports_is_unconfirmed, fixture) {
    for (std::size_t i = 0; i != report_outbox::window + 2; ++i)
        add("a");
    for (std::size_t i = 0; i != report_outbox::window; ++i)
        BOOST_TEST_REQUIRE(box.take().has_value());
    BOOST_TEST(!box.take().has_value());
    confirm(2); // 1 keeps its place, and so does this
    BOOST_TEST(!box.take().has_value());
    confirm(1);
    BOOST_TEST(take() == "1025 a, 1026 a");
}

BOOST_FIXTURE_TEST_CASE(what_a_lost_connection_had_not_confirmed_goes_first_on_the_next, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        add_of(n);
    take();
    add("waits");
    BOOST_TEST(confirm(2) == "done 2");
    box.connection_lost();
    BOOST_TEST(take() == "1 of 1, 2 of 3, 3 waits");
    BOOST_TEST(confirm(2, true) == "done 1, done 3");
    box.connection_lost();
    BOOST_TEST(take() == "1 waits");
}

BOOST_FIXTURE_TEST_CASE(only_the_latest_progress_that_waits_is_published, fixture) {
    BOOST_TEST(box.add_progress(id_of(7), {.note = "a"}));
    add("b");
    BOOST_TEST(!box.add_progress(id_of(7), {.note = "c"}));
    BOOST_TEST(box.add_progress(id_of(8), {.note = "d"}));
    BOOST_TEST(take() == "1 ferry.reply.a 7 c, 2 b, 3 ferry.reply.a 8 d");
    BOOST_TEST(box.add_progress(id_of(7), {.note = "e"}));
    add_of(7);
    BOOST_TEST(take() == "4 ferry.reply.a 7 e, 5 of 7");
    BOOST_TEST(confirm(5, true) == "done 7");
    BOOST_TEST(box.empty());
}

BOOST_FIXTURE_TEST_CASE(progress_that_was_published_is_published_again_as_it_was, fixture) {
    box.add_progress(id_of(7), {.note = "a"});
    BOOST_TEST(take() == "1 ferry.reply.a 7 a");
    box.add_progress(id_of(7), {.note = "b"});
    box.connection_lost();
    BOOST_TEST(take() == "1 ferry.reply.a 7 a, 2 ferry.reply.a 7 b");
}

BOOST_FIXTURE_TEST_CASE(an_outcome_without_a_queue_is_tried_again_for_a_while, fixture) {
    add_of(1);
    int tries = 0;
    std::uint64_t number = 0;
    for (;; ++tries) {
        BOOST_TEST_REQUIRE(take() == std::to_string(++number) + " of 1");
        box.returned(number);
        const std::string text = confirm(number);
        if (!text.empty()) {
            BOOST_TEST(text == "done 1");
            break;
        }
        BOOST_TEST(!box.empty());
        const auto again = box.retry_returned(now);
        BOOST_TEST_REQUIRE(again.has_value());
        BOOST_CHECK(*again == now + report_outbox::pause);
        BOOST_TEST(take() == ""); // not before
        now = *again;
        BOOST_TEST(!box.retry_returned(now).has_value());
    }
    BOOST_TEST(tries == report_outbox::patience / report_outbox::pause);
    BOOST_TEST(box.empty());
}

BOOST_FIXTURE_TEST_CASE(an_outcome_that_finds_a_queue_at_last_is_done, fixture) {
    add_of(1);
    take();
    box.returned(1);
    BOOST_TEST(confirm(1) == "");
    now += report_outbox::pause;
    box.retry_returned(now);
    BOOST_TEST(take() == "2 of 1");
    BOOST_TEST(confirm(2) == "done 1");
    BOOST_TEST(box.empty());
}

BOOST_FIXTURE_TEST_CASE(nothing_else_that_was_returned_is_tried_again, fixture) {
    add("beat");
    add_of(1, true);
    add_of(2);
    take();
    for (std::uint64_t n = 1; n <= 3; ++n)
        box.returned(n);
    box.returned(9); // what was never published
    BOOST_TEST(confirm(2, true) == "start 1");
    BOOST_TEST(confirm(3, false, false) == "done 2"); // when no retry is wanted
    BOOST_TEST(box.empty());
    BOOST_TEST(!box.retry_returned(now + 1h).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_was_returned_waits_on_whatever_the_connection_does, fixture) {
    add_of(1);
    add_of(2);
    take();
    box.returned(1);
    confirm(1);
    box.returned(2); // and the connection is lost before the confirm
    box.connection_lost();
    BOOST_TEST(take() == "1 of 2");
    now += report_outbox::pause;
    box.retry_returned(now);
    BOOST_TEST(take() == "2 of 1");
    BOOST_TEST(confirm(2, true) == "done 2, done 1");
}
