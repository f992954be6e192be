// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a pool says to hosts beside its tasks, by stepping.
#define BOOST_TEST_MODULE host_messages
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/frame.hpp"
#include "cluster/host_messages.hpp"

using namespace ferry::detail::cluster;
using namespace std::chrono_literals;

namespace {

template <class Frame>
Frame read(const host_messages::message& m) {
    std::string why;
    const auto f = read_frame(m.body, why);
    BOOST_TEST_REQUIRE((f && std::holds_alternative<Frame>(*f)), why);
    return std::get<Frame>(*f);
}

struct fixture {
    host_messages messages{"ferry.all", "ferry.reply.p"};
};

} // namespace

BOOST_FIXTURE_TEST_CASE(questions_go_to_all_hosts_and_say_where_to_reply, fixture) {
    BOOST_TEST(messages.empty());
    messages.ask_who();
    messages.ask_for_beats();
    BOOST_TEST(!messages.empty());
    const auto all = messages.take();
    BOOST_TEST_REQUIRE(all.size() == 2);
    for (const auto& m : all) {
        BOOST_TEST(m.exchange == "ferry.all");
        BOOST_TEST(m.key.empty());
    }
    BOOST_TEST(read<who_frame>(all[0]).reply_to == "ferry.reply.p");
    BOOST_TEST(read<ask_frame>(all[1]).reply_to == "ferry.reply.p");
    BOOST_TEST(messages.empty());
    BOOST_TEST(messages.take().empty());
}

BOOST_FIXTURE_TEST_CASE(a_cancellation_goes_to_the_host_that_is_known_to_have_the_task, fixture) {
    messages.cancel(7, "ferry.host.a");
    messages.cancel(8, {});
    messages.ask_to_stop(9, {});
    const auto all = messages.take();
    BOOST_TEST_REQUIRE(all.size() == 3);
    BOOST_TEST(all[0].exchange.empty()); // a queue is reached by its name
    BOOST_TEST(all[0].key == "ferry.host.a");
    BOOST_TEST(all[1].exchange == "ferry.all");
    BOOST_TEST(all[1].key.empty());
    const auto numbers = [](std::uint64_t n) { return std::vector<std::uint64_t>{n}; };
    BOOST_TEST((read<cancel_frame>(all[0]).numbers == numbers(7)));
    BOOST_TEST(!read<cancel_frame>(all[0]).only_ask_to_stop);
    BOOST_TEST((read<cancel_frame>(all[1]).numbers == numbers(8)));
    BOOST_TEST(!read<cancel_frame>(all[1]).only_ask_to_stop);
    BOOST_TEST((read<cancel_frame>(all[2]).numbers == numbers(9)));
    BOOST_TEST(read<cancel_frame>(all[2]).only_ask_to_stop);
    BOOST_TEST(read<cancel_frame>(all[2]).reply_to == "ferry.reply.p");
}

BOOST_FIXTURE_TEST_CASE(the_hosts_are_not_asked_again_within_half_a_second, fixture) {
    const host_messages::time now{1000s};
    messages.ask_who_at(now);
    messages.ask_who_at(now + 500ms);
    BOOST_TEST(messages.take().size() == 1);
    messages.ask_who_at(now + 501ms);
    BOOST_TEST(messages.take().size() == 1);
    messages.ask_who(); // of a new connection, which need not wait
    messages.ask_who_at(now + 2s);
    BOOST_TEST(messages.take().size() == 2);
}
