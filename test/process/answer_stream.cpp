// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/answer_stream.hpp"

#define BOOST_TEST_MODULE answer_stream
#include <boost/test/unit_test.hpp>

#include "helpers/file_limit.hpp"
#include "process/message.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>

using namespace ferry::detail;
using wire::frame_kind;
using reading = answer_stream::reading;

BOOST_TEST_DONT_PRINT_LOG_VALUE(reading)

namespace {

/// A worker that says what a test tells it to say, and the stream of its pool.
struct worker {
    worker() {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        pool_end = descriptor(ends[0]);
        worker_end = descriptor(ends[1]);
        stream = std::make_unique<answer_stream>(*memory, pool_end.get());
    }

    void say(frame_kind kind, std::string_view body, std::uint64_t task = 1) {
        std::byte* const room = ring.reserve(body.size());
        BOOST_REQUIRE(room != nullptr);
        if (!body.empty())
            std::memcpy(room, body.data(), body.size());
        ring.publish({static_cast<std::uint32_t>(body.size()), kind, 0, task});
    }
    /// An answer in the ring.
    void answer_with(std::string_view result, std::uint64_t task) {
        say(frame_kind::value, bytes_of(wire::answer_body{.run_ns = 5}) + std::string(result),
            task);
    }
    /// An answer in that mapping, which it has not sent.
    void answer_in(std::uint32_t id, std::size_t size, std::uint64_t task) {
        say(frame_kind::value,
            bytes_of(wire::answer_body{.in_segment = 1}) + bytes_of(wire::segment_ref{id, size}),
            task);
    }
    void send(const segment& s) {
        const int file = s.file();
        BOOST_REQUIRE(send_message(
            worker_end.get(), {wire::message::what::segment, s.id(), s.capacity()}, {&file, 1}));
    }
    template <class T>
    static std::string bytes_of(const T& t) {
        std::string s(sizeof t, '\0');
        std::memcpy(s.data(), &t, sizeof t);
        return s;
    }

    reading read() {
        a = {};
        return stream->read(a, f);
    }
    std::string text() const {
        return {reinterpret_cast<const char*>(a.bytes.data()), a.bytes.size()};
    }

    std::unique_ptr<wire::channel> memory = std::make_unique<wire::channel>();
    wire::ring_writer ring{memory->answers, memory->answer_bytes.data()};
    descriptor pool_end, worker_end;
    std::unique_ptr<answer_stream> stream;
    answer a;
    wire::frame f;
};

} // namespace

BOOST_AUTO_TEST_CASE(what_a_worker_says_comes_in_its_order) {
    worker w;
    BOOST_TEST(w.read() == reading::nothing);
    w.say(frame_kind::ready, "who it is");
    w.answer_with("one", 1);
    w.say(frame_kind::progress, worker::bytes_of(wire::progress_body{0.5}) + "half", 2);
    w.say(frame_kind::error, worker::bytes_of(wire::answer_body{}) + "two", 2);
    BOOST_TEST(w.read() == reading::start);
    BOOST_TEST(w.f.body.size() == 9u);
    BOOST_TEST(w.read() == reading::answer);
    BOOST_TEST(w.a.header.task == 1u);
    BOOST_TEST(w.a.says.run_ns == 5);
    BOOST_TEST(w.text() == "one");
    BOOST_TEST(w.read() == reading::progress);
    BOOST_TEST(w.f.header.task == 2u);
    BOOST_TEST(w.read() == reading::answer);
    BOOST_CHECK(w.a.header.kind == frame_kind::error);
    BOOST_TEST(w.text() == "two");
    BOOST_TEST(w.read() == reading::nothing);
}

BOOST_AUTO_TEST_CASE(it_says_only_once_whether_it_is_ready) {
    for (const auto first : {frame_kind::ready, frame_kind::not_ready}) {
        for (const auto second : {frame_kind::ready, frame_kind::not_ready}) {
            worker w;
            w.say(first, "");
            w.say(second, "");
            BOOST_TEST(w.read() == reading::start);
            BOOST_TEST(w.read() == reading::broken);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_only_a_pool_says_is_broken) {
    for (const auto kind : {frame_kind::run, frame_kind::initialise, frame_kind::finalise,
                            static_cast<frame_kind>(77)}) {
        worker w;
        w.say(kind, std::string(200, '\0'));
        BOOST_TEST(w.read() == reading::broken);
    }
}

BOOST_AUTO_TEST_CASE(frames_that_are_too_short_or_too_long_are_broken) {
    const std::vector<std::pair<frame_kind, std::size_t>> all = {
        {frame_kind::value, sizeof(wire::answer_body) - 1},
        {frame_kind::error, 0},
        {frame_kind::progress, sizeof(wire::progress_body) - 1},
        {frame_kind::progress, sizeof(wire::progress_body) + wire::longest_note + 1}};
    for (const auto& [kind, size] : all) {
        worker w;
        w.say(kind, std::string(size, '\0'));
        BOOST_TEST(w.read() == reading::broken);
    }
}

BOOST_AUTO_TEST_CASE(a_large_answer_is_read_from_its_mapping) {
    worker w;
    const segment s(3, 100'000, segment::side::worker);
    std::memset(s.data(), 'x', 100'000);
    w.send(s);
    w.answer_in(3, 100'000, 9);
    BOOST_TEST(w.read() == reading::answer);
    BOOST_TEST(w.a.header.task == 9u);
    BOOST_TEST(w.a.size == 100'000u);
    BOOST_TEST(w.a.bytes.empty());
    BOOST_REQUIRE(w.a.shared != nullptr);
    BOOST_CHECK(w.a.shared->data()[99'999] == std::byte('x'));
    BOOST_TEST(!w.stream->is_waiting());
}

BOOST_AUTO_TEST_CASE(an_answer_in_a_mapping_that_was_not_sent_is_broken) {
    worker w;
    w.answer_in(3, 100'000, 9);
    BOOST_TEST(w.read() == reading::broken);
}

BOOST_AUTO_TEST_CASE(a_reference_to_a_mapping_has_its_size) {
    worker w;
    w.say(frame_kind::value, worker::bytes_of(wire::answer_body{.in_segment = 1}) +
                                 worker::bytes_of(wire::segment_ref{3, 10}) + "more");
    BOOST_TEST(w.read() == reading::broken);
}

BOOST_AUTO_TEST_CASE(what_is_behind_an_answer_that_waits_is_not_read_before_it) {
    worker w;
    const segment s(3, 100'000, segment::side::worker);
    w.send(s);
    w.answer_in(3, 100'000, 1);
    w.answer_with("small", 2);
    reading now{}, again{};
    {
        const no_descriptors here;
        now = w.read();
        again = w.read();
    }
    BOOST_TEST(now == reading::later);
    BOOST_TEST(again == reading::later);
    BOOST_TEST(w.stream->is_waiting());
    BOOST_TEST(w.read() == reading::answer);
    BOOST_TEST(w.a.header.task == 1u);
    BOOST_TEST(w.read() == reading::answer);
    BOOST_TEST(w.a.header.task == 2u);
}

BOOST_AUTO_TEST_CASE(what_was_read_makes_room_when_it_is_released) {
    worker w;
    const std::string body(60'000, 'b');
    for (std::uint64_t n = 1; n <= 4; ++n)
        w.answer_with(body, n);
    BOOST_TEST(w.ring.reserve(body.size()) == nullptr);
    BOOST_TEST(w.read() == reading::answer);
    BOOST_TEST(w.ring.reserve(body.size()) == nullptr);
    w.stream->release();
    BOOST_TEST(w.ring.reserve(body.size()) != nullptr);
}

BOOST_AUTO_TEST_CASE(it_does_not_sleep_while_there_is_something_to_read) {
    worker w;
    BOOST_TEST(w.stream->prepare_sleep());
    w.answer_with("one", 1);
    BOOST_TEST(!w.stream->prepare_sleep());
}
