// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The frames that pools and hosts exchange, and the table of code.
#define BOOST_TEST_MODULE frames
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/frame.hpp"

#include <cstring>
#include <random>

using namespace ferry::detail::cluster;
using ferry::cluster_match;
using ferry::detail::code_key;

namespace {

std::vector<std::byte> some_bytes(std::size_t n) {
    std::vector<std::byte> b(n);
    for (std::size_t i = 0; i != n; ++i)
        b[i] = static_cast<std::byte>(i * 7);
    return b;
}

const std::vector<std::byte> arguments = some_bytes(100);

std::vector<frame> one_of_each() {
    return {task_frame{{"ferry.reply.a", 7, 2},
                       3,
                       true,
                       true,
                       false,
                       std::chrono::seconds(5),
                       "label",
                       {1, 2, 3},
                       {4, 5, 6},
                       arguments},
            cancel_frame{"ferry.reply.a", true, {1, 2, 3}},
            ask_frame{"ferry.reply.a"},
            started_frame{7, 2, "ferry.host.b", std::chrono::milliseconds(10)},
            outcome_frame{7, 2, outcome_kind::died, std::chrono::nanoseconds(5), arguments},
            declined_frame{7, 2, decline_reason::redelivered},
            beat_frame{"ferry.host.b", std::chrono::milliseconds(10), {1, 1, 2, 1}, {3, 1}},
            progress_frame{7, 0.5, "half"},
            announce_frame{"ferry.host.b", "app/1", "0.1", 8, 99, true},
            who_frame{"ferry.reply.a"}};
}

std::optional<frame> reread(const std::vector<std::byte>& bytes) {
    std::string why;
    return read_frame(bytes, why);
}

[[maybe_unused]] int twice(int x) { return 2 * x; }

} // namespace

int outside_function(int x) { return x + 1; }

BOOST_AUTO_TEST_CASE(frames_come_back_as_they_were) {
    for (const frame& f : one_of_each()) {
        const auto bytes = write_frame(f);
        const auto again = reread(bytes);
        BOOST_TEST_REQUIRE(again.has_value());
        BOOST_TEST(again->index() == f.index());
        BOOST_TEST(write_frame(*again) == bytes);
    }
    const auto bytes = write_frame(one_of_each()[0]);
    const auto f = std::get<task_frame>(*reread(bytes));
    BOOST_TEST(f.id.reply_to == "ferry.reply.a");
    BOOST_TEST(f.id.number == 7);
    BOOST_TEST(f.id.round == 2);
    BOOST_TEST(f.attempt == 3);
    BOOST_TEST((f.timeout == std::chrono::nanoseconds(std::chrono::seconds(5))));
    BOOST_TEST(f.label == "label");
    BOOST_TEST((f.function == code_key{4, 5, 6}));
    BOOST_TEST(f.arguments.size() == arguments.size());
    BOOST_TEST(std::memcmp(f.arguments.data(), arguments.data(), arguments.size()) == 0);
}

BOOST_AUTO_TEST_CASE(torn_frames_are_refused) {
    for (const frame& f : one_of_each()) {
        const auto bytes = write_frame(f);
        const bool has_rest =
            std::holds_alternative<task_frame>(f) || std::holds_alternative<outcome_frame>(f);
        const std::size_t shortest = bytes.size() - (has_rest ? arguments.size() : 0);
        for (std::size_t n = 0; n != shortest; ++n)
            BOOST_TEST(!reread({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)}));
        if (!has_rest) {
            auto longer = bytes;
            longer.push_back({});
            BOOST_TEST(!reread(longer));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_frame_is_refused_with_a_reason) {
    const auto why_not = [](const frame& f, std::size_t at, unsigned char value) {
        auto bytes = write_frame(f);
        bytes[at] = static_cast<std::byte>(value);
        std::string why;
        BOOST_TEST(!read_frame(bytes, why));
        return why;
    };
    const frame f = who_frame{"ferry.reply.a"};
    BOOST_TEST(why_not(f, 0, 'x') == "it does not begin as a frame");
    BOOST_TEST(why_not(f, 4, 9) == "it is of another version of the protocol");
    BOOST_TEST(why_not(f, 5, 0) == "an unknown kind of frame");
    BOOST_TEST(why_not(f, 5, 200) == "an unknown kind of frame");
    BOOST_TEST(why_not(f, 8, 'x') == "the name of a queue is none of Ferry's");
    BOOST_TEST(why_not(cancel_frame{"ferry.reply.a", false, {}}, 21, 2) ==
               "a flag is neither 0 nor 1");
    std::string why;
    BOOST_TEST(!read_frame(write_frame(who_frame{"ferry.reply.a\n"}), why));
    BOOST_TEST(!read_frame(write_frame(who_frame{"amq.direct"}), why));
    BOOST_TEST(!read_frame(write_frame(beat_frame{"ferry.host.a", {}, {1}, {}}), why));
    BOOST_TEST(
        !read_frame(write_frame(outcome_frame{1, 1, static_cast<outcome_kind>(3), {}, {}}), why));
    BOOST_TEST(!read_frame(
        write_frame(started_frame{1, 1, "ferry.host.a", std::chrono::milliseconds(-1)}), why));
}

BOOST_AUTO_TEST_CASE(a_number_of_numbers_that_are_not_there_allocates_nothing) {
    auto bytes = write_frame(cancel_frame{"ferry.reply.a", false, {1}});
    const std::uint32_t count = 0xffffffff;
    std::memcpy(bytes.data() + bytes.size() - 12, &count, sizeof count);
    std::string why;
    BOOST_TEST(!read_frame(bytes, why));
    BOOST_TEST(why == "too many numbers");
}

BOOST_AUTO_TEST_CASE(random_damage_never_does_more_than_to_be_refused) {
    std::mt19937 random(1);
    std::size_t refused = 0;
    for (int round = 0; round != 20000; ++round) {
        auto bytes = write_frame(one_of_each()[random() % 10]);
        for (unsigned n = random() % 4; n != 0; --n)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        if (random() % 4 == 0)
            bytes.resize(random() % (bytes.size() + 1));
        const auto f = reread(bytes);
        refused += f ? 0 : 1;
        if (f)
            BOOST_TEST(reread(write_frame(*f)).has_value());
    }
    BOOST_TEST(refused > 1000);
}

BOOST_AUTO_TEST_CASE(functions_are_found_by_their_key_once_they_are_allowed) {
    BOOST_CHECK_THROW(
        static_cast<void>(ferry::detail::key_of_function(
            reinterpret_cast<const void*>(&outside_function), cluster_match::same_build)),
        std::invalid_argument);
    ferry::allow_remote<outside_function>();
    ferry::allow_remote<outside_function>();
    for (const auto match : {cluster_match::same_build, cluster_match::same_signature}) {
        const code_key key =
            ferry::detail::key_of_function(reinterpret_cast<const void*>(&outside_function), match);
        const auto* const record = ferry::detail::find_code(key, match);
        BOOST_TEST_REQUIRE(record != nullptr);
        BOOST_TEST(record->address == reinterpret_cast<const void*>(&outside_function));
        BOOST_TEST((key.offset != 0) == (match == cluster_match::same_build));
    }
}

BOOST_AUTO_TEST_CASE(a_key_that_nobody_entered_is_not_found) {
    const code_key key = ferry::detail::key_of_function(
        reinterpret_cast<const void*>(&outside_function), cluster_match::same_build);
    for (const code_key other : {code_key{key.name + 2, key.module, key.offset},
                                 code_key{key.name, key.module + 1, key.offset},
                                 code_key{key.name, key.module, key.offset + 1}, code_key{}})
        BOOST_TEST(!ferry::detail::find_code(other, cluster_match::same_build));
    BOOST_TEST(!ferry::detail::find_code(key, cluster_match::same_signature));
}

BOOST_AUTO_TEST_CASE(what_each_source_file_has_its_own_of_is_refused_between_builds) {
    ferry::allow_remote<twice>();
    const auto* const at = reinterpret_cast<const void*>(&twice);
    BOOST_CHECK_NO_THROW(
        static_cast<void>(ferry::detail::key_of_function(at, cluster_match::same_build)));
    BOOST_CHECK_EXCEPTION(
        static_cast<void>(ferry::detail::key_of_function(at, cluster_match::same_signature)),
        std::invalid_argument, [](const std::invalid_argument& e) {
            return std::string_view(e.what()).find("internal linkage") != std::string_view::npos;
        });
}

BOOST_AUTO_TEST_CASE(two_entries_under_one_key_are_refused) {
    const ferry::detail::code_record first(ferry::detail::code_record::kind::call,
                                           typeid(std::vector<std::pair<int, char>>),
                                           reinterpret_cast<const void*>(&outside_function));
    const auto key = key_of(first, cluster_match::same_signature);
    BOOST_TEST(ferry::detail::find_code(key, cluster_match::same_signature) == &first);
    {
        const ferry::detail::code_record second(ferry::detail::code_record::kind::call,
                                                typeid(std::vector<std::pair<int, char>>),
                                                reinterpret_cast<const void*>(&twice));
        BOOST_CHECK_THROW(static_cast<void>(key_of(first, cluster_match::same_signature)),
                          std::invalid_argument);
        BOOST_TEST(!ferry::detail::find_code(key, cluster_match::same_signature));
    }
    BOOST_TEST(ferry::detail::find_code(key, cluster_match::same_signature) == &first);
}
