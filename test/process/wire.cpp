// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/wire.hpp"

#define BOOST_TEST_MODULE process_wire
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace wire = ferry::detail::wire;

namespace {

struct ring {
    wire::ring_positions at{};
    std::vector<std::byte> memory = std::vector<std::byte>(wire::ring_size);
    wire::ring_writer writer{at, memory.data()};
    wire::ring_reader reader{at, memory.data()};

    bool write(std::size_t size, std::uint64_t task) {
        std::byte* const room = writer.reserve(size);
        if (room == nullptr)
            return false;
        std::memset(room, static_cast<int>(task & 0xff), size);
        writer.publish({static_cast<std::uint32_t>(size), wire::frame_kind::value, 3, task});
        return true;
    }
};

wire::decoded decode(const std::vector<std::byte>& bytes, std::uint64_t position,
                     std::uint64_t published) {
    wire::frame f;
    std::uint64_t length = 0;
    return wire::decode(bytes, position, published, f, length);
}

} // namespace

BOOST_AUTO_TEST_CASE(frames_come_out_as_they_went_in) {
    ring r;
    std::mt19937 random(1);
    std::uint64_t written = 0, read = 0;
    std::vector<std::size_t> sizes;
    while (read < 5'000) {
        const std::size_t size = random() % 8 == 0 ? random() % wire::max_body : random() % 200;
        if (r.write(size, written)) {
            sizes.push_back(size);
            ++written;
            if (random() % 3 != 0)
                continue;
        }
        wire::frame f;
        while (r.reader.next(f) == wire::decoded::frame) {
            BOOST_REQUIRE(f.header.task == read);
            BOOST_REQUIRE(f.header.slot == 3);
            BOOST_REQUIRE(f.body.size() == sizes[read]);
            BOOST_REQUIRE(std::ranges::all_of(
                f.body, [read](std::byte b) { return b == static_cast<std::byte>(read & 0xff); }));
            ++read;
        }
        r.reader.release();
    }
}

BOOST_AUTO_TEST_CASE(a_full_ring_takes_nothing_until_it_was_read) {
    ring r;
    std::uint64_t n = 0;
    while (r.write(1000, n))
        ++n;
    BOOST_TEST(n > 200u);
    wire::frame f;
    BOOST_TEST((r.reader.next(f) == wire::decoded::frame));
    BOOST_TEST(!r.write(1000, n)); // seen, but not released
    r.reader.release();
    BOOST_TEST(r.write(1000, n));
}

BOOST_AUTO_TEST_CASE(the_longest_frame_always_fits_into_an_empty_ring) {
    ring r;
    for (std::uint64_t n = 0; n < 50; ++n) {
        BOOST_REQUIRE(r.write(n * 48 % 5000, n));
        wire::frame f;
        BOOST_REQUIRE((r.reader.next(f) == wire::decoded::frame));
        r.reader.release();
        BOOST_REQUIRE(r.write(wire::max_body, n));
        BOOST_REQUIRE((r.reader.next(f) == wire::decoded::frame));
        r.reader.release();
    }
}

BOOST_AUTO_TEST_CASE(torn_and_absurd_frames_are_refused) {
    std::vector<std::byte> bytes(wire::ring_size);
    const auto put = [&bytes](wire::frame_header h) { std::memcpy(bytes.data(), &h, sizeof h); };
    const auto value = wire::frame_kind::value;
    put({16, value, 0, 1});
    BOOST_TEST((decode(bytes, 0, 32) == wire::decoded::frame));
    BOOST_TEST((decode(bytes, 0, 0) == wire::decoded::nothing));
    BOOST_TEST((decode(bytes, 0, 8) == wire::decoded::malformed));  // a torn header
    BOOST_TEST((decode(bytes, 0, 16) == wire::decoded::malformed)); // a torn body
    BOOST_TEST((decode(bytes, 0, wire::ring_size + 1) == wire::decoded::malformed));
    BOOST_TEST((decode(bytes, 8, 32) == wire::decoded::malformed)); // between two frames
    put({0xffffffff, value, 0, 1});
    BOOST_TEST((decode(bytes, 0, wire::ring_size) == wire::decoded::malformed));
    put({wire::max_body + 1, value, 0, 1});
    BOOST_TEST((decode(bytes, 0, wire::ring_size) == wire::decoded::malformed));
    put({16, value, wire::slot_count, 1});
    BOOST_TEST((decode(bytes, 0, 32) == wire::decoded::malformed));
    put({16, static_cast<wire::frame_kind>(0), 0, 1});
    BOOST_TEST((decode(bytes, 0, 32) == wire::decoded::malformed));
    put({16, static_cast<wire::frame_kind>(99), 0, 1});
    BOOST_TEST((decode(bytes, 0, 32) == wire::decoded::malformed));
    const wire::frame_header over_the_end{64, value, 0, 1};
    std::memcpy(bytes.data() + wire::ring_size - 32, &over_the_end, sizeof over_the_end);
    BOOST_TEST((decode(bytes, wire::ring_size - 32, 80) == wire::decoded::malformed));
}

BOOST_AUTO_TEST_CASE(random_bytes_never_lead_out_of_the_ring) {
    std::mt19937 random(2);
    std::vector<std::byte> bytes(wire::ring_size);
    for (int round = 0; round < 500; ++round) {
        for (std::size_t i = 0; i < 4096; ++i)
            bytes[i] = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
        wire::frame f;
        std::uint64_t length = 0, position = 0;
        while (wire::decode(bytes, position, 4096 - position, f, length) == wire::decoded::frame) {
            BOOST_REQUIRE(f.body.data() >= bytes.data());
            BOOST_REQUIRE(f.body.data() + f.body.size() <= bytes.data() + 4096);
            position += length;
        }
        BOOST_REQUIRE(position <= 4096u);
    }
}

BOOST_AUTO_TEST_CASE(a_sleeping_reader_is_always_told) {
    ring r;
    constexpr std::uint64_t count = 200'000;
    std::atomic<std::uint64_t> wakes{0};
    std::thread writer([&] {
        for (std::uint64_t n = 0; n != count;) {
            std::byte* const room = r.writer.reserve(8);
            if (room == nullptr) {
                std::this_thread::yield();
                continue;
            }
            std::memcpy(room, &n, sizeof n);
            if (r.writer.publish({8, wire::frame_kind::value, 0, n})) {
                wakes.fetch_add(1);
                wakes.notify_one();
            }
            ++n;
        }
    });
    std::uint64_t read = 0, seen = 0;
    while (read != count) {
        wire::frame f;
        while (r.reader.next(f) == wire::decoded::frame) {
            std::uint64_t n = 0;
            std::memcpy(&n, f.body.data(), sizeof n);
            BOOST_REQUIRE(n == read);
            ++read;
        }
        if (read != count && r.reader.prepare_sleep()) {
            wakes.wait(seen); // a lost wake-up would hang here
            ++seen;
        }
        r.reader.release();
    }
    writer.join();
}

BOOST_AUTO_TEST_CASE(a_task_is_started_or_taken_back_never_both) {
    for (std::uint64_t task = 1; task <= 20'000; ++task) {
        wire::task_slot slot{};
        slot.offer(task);
        std::atomic<int> ready{0};
        bool started = false;
        if (task % 100 == 0) {
            std::thread worker([&] {
                ready.fetch_add(1);
                while (ready.load() != 2) {
                }
                started = slot.move(task, wire::slot_state::offered, wire::slot_state::claimed);
            });
            ready.fetch_add(1);
            while (ready.load() != 2) {
            }
            const bool taken = slot.move(task, wire::slot_state::offered, wire::slot_state::free);
            worker.join();
            BOOST_REQUIRE(taken != started);
        }
        BOOST_REQUIRE(!slot.move(task + 1, wire::slot_state::offered, wire::slot_state::claimed));
    }
}
