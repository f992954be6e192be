// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/segment_arrivals.hpp"

#define BOOST_TEST_MODULE segment_arrivals
#include <boost/test/unit_test.hpp>

#include "helpers/file_limit.hpp"

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <sys/mman.h>
#include <sys/socket.h>

using namespace ferry::detail;
using what = wire::message::what;

namespace {

/// The two ends of a worker's socket, and what its pool has received.
struct link_to_worker {
    link_to_worker() {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        pool = descriptor(ends[0]);
        worker = descriptor(ends[1]);
        arrivals.emplace(pool.get());
    }
    void send(what kind, std::uint32_t id, std::size_t capacity, std::span<const int> files) {
        BOOST_REQUIRE(send_message(worker.get(), {kind, id, capacity}, files));
    }
    void announce(const segment& s) {
        const int file = s.file();
        send(what::segment, s.id(), s.capacity(), {&file, 1});
    }
    void give_away(const segment& s) {
        const int file = s.file();
        send(what::gift, s.id(), s.capacity(), {&file, 1});
    }
    std::shared_ptr<segment> find(std::uint32_t id, std::size_t size, bool given_away = false) {
        return arrivals->find({id, size}, given_away);
    }
    descriptor pool, worker;
    std::optional<segment_arrivals> arrivals;
};

struct text_segment : segment {
    text_segment(std::uint32_t id, const std::string& text)
        : segment(id, text.size(), segment::side::worker) {
        std::memcpy(data(), text.data(), text.size());
    }
};

std::string text_of(const segment& s, std::size_t size) {
    return {reinterpret_cast<const char*>(s.data()), size};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_mapping_that_was_announced_is_found_again_and_again) {
    link_to_worker l;
    const text_segment s(7, "forty-two");
    l.announce(s);
    const auto first = l.find(7, 9);
    BOOST_REQUIRE(first != nullptr);
    BOOST_TEST(text_of(*first, 9) == "forty-two");
    BOOST_TEST(l.find(7, 4) == first);
}

BOOST_AUTO_TEST_CASE(mappings_that_were_sent_before_it_are_received_with_it) {
    link_to_worker l;
    const text_segment one(1, "one"), two(2, "two"), three(3, "three");
    for (const segment* const s : {&one, &two, &three})
        l.announce(*s);
    BOOST_TEST(text_of(*l.find(3, 5), 5) == "three");
    l.worker.reset(); // they have arrived
    BOOST_TEST(text_of(*l.find(1, 3), 3) == "one");
    BOOST_TEST(text_of(*l.find(2, 3), 3) == "two");
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_is_an_error) {
    link_to_worker l;
    BOOST_CHECK_THROW(l.find(7, 1), bad_segment);
    const text_segment s(7, "short");
    l.announce(s);
    BOOST_CHECK_THROW(l.find(7, s.capacity() + 1), bad_segment);
    BOOST_CHECK_THROW(l.find(8, 1), bad_segment);
    l.worker.reset();
    BOOST_CHECK_THROW(l.find(8, 1), bad_segment);
}

BOOST_AUTO_TEST_CASE(another_message_is_an_error) {
    link_to_worker l;
    const text_segment s(7, "text");
    const int file = s.file();
    l.send(what::stop, 7, s.capacity(), {&file, 1});
    BOOST_CHECK_THROW(l.find(7, 4), bad_segment);
    l.send(what::segment, 7, s.capacity(), {});
    BOOST_CHECK_THROW(l.find(7, 4), bad_segment);
}

BOOST_AUTO_TEST_CASE(what_could_shrink_is_an_error) {
    link_to_worker l;
    const descriptor file(::memfd_create("shrinks", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    BOOST_REQUIRE(::ftruncate(file.get(), 1 << 16) == 0);
    const int number = file.get();
    l.send(what::segment, 7, 4096, {&number, 1});
    BOOST_CHECK_THROW(l.find(7, 4), bad_segment);
}

BOOST_AUTO_TEST_CASE(more_than_a_worker_can_need_is_an_error) {
    link_to_worker l;
    std::vector<std::unique_ptr<text_segment>> all;
    for (std::uint32_t id = 1; id <= 20; ++id) {
        all.push_back(std::make_unique<text_segment>(id, "text"));
        l.announce(*all.back());
    }
    BOOST_CHECK_THROW(l.find(20, 4), bad_segment);
}

BOOST_AUTO_TEST_CASE(a_mapping_that_is_given_away_is_found_once) {
    link_to_worker l;
    {
        const text_segment s(7, "gift");
        l.announce(s);
        BOOST_TEST(text_of(*l.find(7, 4), 4) == "gift");
        l.give_away(s);
    }
    const auto gift = l.find(7, 4, true);
    BOOST_REQUIRE(gift != nullptr);
    BOOST_TEST(gift->is_gift());
    BOOST_TEST(text_of(*gift, 4) == "gift");
    BOOST_CHECK_THROW(l.find(7, 4), bad_segment);
    BOOST_CHECK_THROW(l.find(7, 4, true), bad_segment);
}

BOOST_AUTO_TEST_CASE(a_gift_that_is_not_what_the_answer_says_is_an_error) {
    for (const auto& [id, size, given_away] :
         {std::tuple(8u, 4u, true), std::tuple(7u, 1u << 20, true), std::tuple(7u, 4u, false)}) {
        link_to_worker l;
        const text_segment s(7, "gift");
        l.give_away(s);
        BOOST_CHECK_THROW(l.find(id, size, given_away), bad_segment);
    }
}

BOOST_AUTO_TEST_CASE(one_for_which_there_is_no_room_now_arrives_later) {
    link_to_worker l;
    const text_segment s(7, "patience");
    l.announce(s);
    std::shared_ptr<segment> now;
    {
        const no_descriptors here;
        now = l.find(7, 8);
    }
    BOOST_TEST((now == nullptr));
    const auto later = l.find(7, 8);
    BOOST_REQUIRE(later != nullptr);
    BOOST_TEST(text_of(*later, 8) == "patience");
}
