// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE task_writer
#include <boost/test/unit_test.hpp>

#include "process/task_writer.hpp"

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a pool says to a worker, read as the worker reads it.

using namespace ferry::detail;

namespace {

struct bench {
    bool write(std::string_view arguments, task_writer::call_kind how = {},
               std::string_view context = {}, const segment* shared = nullptr) {
        const code_ref entry{11, 22, "/a/library.so"};
        if (!pool.reserve(entry, how, context, std::as_bytes(std::span(arguments)), shared))
            return false;
        pool.publish(wire::frame_kind::run, 5, 42);
        return true;
    }
    std::optional<wire::frame> next() {
        wire::frame f;
        return worker.next(f) == wire::decoded::frame ? std::optional(f) : std::nullopt;
    }

    std::unique_ptr<wire::channel> memory = std::make_unique<wire::channel>();
    task_writer pool{*memory};
    wire::ring_reader worker{memory->tasks, memory->task_bytes.data()};
};

wire::run_body head_of(const wire::frame& f) {
    wire::run_body body;
    BOOST_REQUIRE(f.body.size() >= sizeof body);
    std::memcpy(&body, f.body.data(), sizeof body);
    return body;
}

std::string rest_of(const wire::frame& f) {
    return {reinterpret_cast<const char*>(f.body.data()) + sizeof(wire::run_body),
            f.body.size() - sizeof(wire::run_body)};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_is_written_with_its_path_its_context_and_its_arguments) {
    bench b;
    BOOST_REQUIRE(b.write("arguments", {.stops = true, .reports = false}, "context"));
    const auto f = b.next();
    BOOST_REQUIRE(f.has_value());
    BOOST_CHECK(f->header.kind == wire::frame_kind::run);
    BOOST_TEST(f->header.slot == 5u);
    BOOST_TEST(f->header.task == 42u);
    const auto head = head_of(*f);
    BOOST_TEST(head.module == 11u);
    BOOST_TEST(head.offset == 22u);
    BOOST_TEST(head.path_size == 13u);
    BOOST_TEST(head.context_size == 7u);
    BOOST_TEST(head.takes_stop_token);
    BOOST_TEST(!head.reports);
    BOOST_TEST(head.in_segment == 0);
    BOOST_TEST(rest_of(*f) == "/a/library.socontextarguments");
}

BOOST_AUTO_TEST_CASE(arguments_in_a_mapping_are_referred_to) {
    bench b;
    const segment s(9, 100, segment::side::pool);
    BOOST_REQUIRE(b.write("arguments", {.stops = false, .reports = true}, {}, &s));
    const auto f = b.next();
    BOOST_REQUIRE(f.has_value());
    const auto head = head_of(*f);
    BOOST_TEST(head.reports);
    BOOST_TEST(head.in_segment == (s.is_sealed() ? 2 : 1));
    wire::segment_ref ref;
    BOOST_REQUIRE(f->body.size() == sizeof head + head.path_size + sizeof ref);
    std::memcpy(&ref, f->body.data() + sizeof head + head.path_size, sizeof ref);
    BOOST_TEST(ref.id == 9u);
    BOOST_TEST(ref.size == 9u);
}

BOOST_AUTO_TEST_CASE(what_is_only_reserved_is_not_seen) {
    bench b;
    BOOST_REQUIRE(b.pool.reserve({}, {}, {}, {}, nullptr));
    BOOST_TEST(!b.next().has_value());
    BOOST_REQUIRE(b.write("the next one takes its place"));
    BOOST_TEST(rest_of(b.next().value()).ends_with("place"));
    BOOST_TEST(!b.next().has_value());
}

BOOST_AUTO_TEST_CASE(a_full_ring_takes_more_once_the_worker_has_read) {
    bench b;
    const std::string text(60'000, 'x');
    unsigned count = 0;
    while (b.write(text))
        ++count;
    BOOST_TEST(count == 4u);
    BOOST_TEST(b.pool.is_sound());
    BOOST_TEST(b.next().has_value());
    b.worker.release();
    BOOST_TEST(b.write(text));
    b.memory->tasks.read.store(1'000'000); // more than was written
    BOOST_TEST(!b.pool.is_sound());
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_to_leave_does_not_sleep) {
    bench b;
    BOOST_REQUIRE(b.worker.prepare_sleep());
    BOOST_TEST(b.memory->tasks.reader_sleeps.load() == 1u);
    b.pool.request_exit();
    BOOST_TEST(b.memory->tasks.reader_sleeps.load() == 0u);
    BOOST_TEST(b.memory->leave.load() == 1u);
}
