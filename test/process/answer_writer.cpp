// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE answer_writer
#include <boost/test/unit_test.hpp>

#include "process/answer_writer.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <sys/eventfd.h>

// What a worker says, read as its pool reads it.

using namespace ferry::detail;

namespace {

struct bench {
    bench() : event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        BOOST_REQUIRE(event);
        wire::mark_event(event.get());
    }
    wire::frame next() {
        wire::frame f;
        BOOST_REQUIRE(pool.next(f) == wire::decoded::frame);
        return f;
    }
    bool is_empty() {
        wire::frame f;
        return pool.next(f) == wire::decoded::nothing;
    }
    /// How often the reader was woken since the last call.
    std::uint64_t wakes() const {
        std::uint64_t n = 0;
        return ::read(event.get(), &n, sizeof n) == sizeof n ? n : 0;
    }

    std::unique_ptr<wire::channel> memory = std::make_unique<wire::channel>();
    descriptor event;
    wire::ring_reader pool{memory->answers, memory->answer_bytes.data()};
    answer_writer worker{*memory, descriptor(::fcntl(event.get(), F_DUPFD_CLOEXEC, 3))};
};

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
T head_of(const wire::frame& f) {
    T value;
    BOOST_REQUIRE(f.body.size() >= sizeof value);
    std::memcpy(&value, f.body.data(), sizeof value);
    return value;
}

constexpr wire::frame_header its_task{99, wire::frame_kind::run, 5, 42};

} // namespace

BOOST_AUTO_TEST_CASE(an_outcome_names_its_task_and_follows_its_head) {
    bench b;
    b.worker.write_outcome(its_task, true, {7, 0, 1, 0}, bytes_of("value"));
    b.worker.write_outcome(its_task, false, {8, 2, 0, 1}, bytes_of("error"));
    auto f = b.next();
    BOOST_CHECK(f.header.kind == wire::frame_kind::value);
    BOOST_TEST(f.header.slot == 5u);
    BOOST_TEST(f.header.task == 42u);
    auto head = head_of<wire::answer_body>(f);
    BOOST_TEST(head.run_ns == 7);
    BOOST_TEST(head.retires == 1);
    BOOST_TEST(text_of(f.body.subspan(sizeof head)) == "value");
    f = b.next();
    BOOST_CHECK(f.header.kind == wire::frame_kind::error);
    head = head_of<wire::answer_body>(f);
    BOOST_TEST(head.in_segment == 2);
    BOOST_TEST(head.keeps == 1);
    BOOST_TEST(text_of(f.body.subspan(sizeof head)) == "error");
    BOOST_TEST(b.is_empty());
}

BOOST_AUTO_TEST_CASE(a_report_has_its_number_and_its_note) {
    bench b;
    b.worker.write_progress(its_task, 0.25, bytes_of("a quarter"));
    const auto f = b.next();
    BOOST_CHECK(f.header.kind == wire::frame_kind::progress);
    BOOST_TEST(f.header.task == 42u);
    BOOST_TEST(head_of<wire::progress_body>(f).done == 0.25);
    BOOST_TEST(text_of(f.body.subspan(sizeof(wire::progress_body))) == "a quarter");
}

BOOST_AUTO_TEST_CASE(why_it_is_not_ready_is_cut_to_a_frame) {
    bench b;
    b.worker.write_not_ready(bytes_of(std::string(wire::max_body + 1, 'x')));
    const auto f = b.next();
    BOOST_CHECK(f.header.kind == wire::frame_kind::not_ready);
    BOOST_TEST(f.body.size() == wire::max_body);
}

BOOST_AUTO_TEST_CASE(only_a_reader_that_sleeps_is_woken) {
    bench b;
    b.worker.write_ready();
    BOOST_TEST(b.wakes() == 0u);
    BOOST_CHECK(b.next().header.kind == wire::frame_kind::ready);
    b.pool.release();
    BOOST_REQUIRE(b.pool.prepare_sleep());
    b.worker.write_ready();
    BOOST_TEST(b.wakes() == 1u);
    b.worker.write_ready();
    BOOST_TEST(b.wakes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_ring_holds_the_worker_up_until_something_was_read) {
    bench b;
    const std::string text(wire::max_body, 'x');
    constexpr unsigned count = 3 * wire::ring_size / wire::max_body;
    std::thread writer([&] {
        for (unsigned i = 0; i != count; ++i)
            b.worker.write({0, wire::frame_kind::value, 0, i}, bytes_of(text));
    });
    for (unsigned i = 0; i != count;) {
        wire::frame f;
        const auto d = b.pool.next(f);
        BOOST_REQUIRE(d != wire::decoded::malformed);
        if (d == wire::decoded::nothing) {
            std::this_thread::yield();
            continue;
        }
        BOOST_TEST(f.header.task == i++);
        BOOST_TEST(f.body.size() == text.size());
        b.pool.release();
    }
    writer.join();
    BOOST_TEST(b.is_empty());
}
