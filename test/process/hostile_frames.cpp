// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each field of what a worker says, with values at the limits of what it may be and beyond: what no
// worker says costs the worker and its task, and what one could say is taken for what it says.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE hostile_frames
#define BOOST_TEST_NO_MAIN
#include "helpers/hostile_worker.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include "process/message.hpp"
#include "process/segment.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>

using namespace std::chrono_literals;
namespace detail = ferry::detail;
namespace wire = ferry::detail::wire;
using kind = wire::frame_kind;

namespace {

constexpr std::uint64_t all_ones = ~std::uint64_t(0);
constexpr std::size_t announced = std::size_t(1) << 20; // bytes of a mapping

/// What a task sends in place of its answer, and then its answer.
struct forgery {
    kind what = kind::value;
    std::string body = {};
    std::size_t size = 0;      ///< of the body, with zeros behind what is given; 0: as it is
    std::uint32_t claimed = 0; ///< the size that the header tells; 0: the right one
    int slot = -1;             ///< -1: its own
    std::uint64_t other = 0;   ///< by how much the number is not its own
    int mapping = 0;           ///< a mapping is announced before; 2: given away
    std::uint32_t id = 77;
    std::uint64_t capacity = announced;
};

int forge(const forgery& f) {
    if (f.mapping != 0) {
        const int file = ::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        static_cast<void>(::ftruncate(file, announced + detail::segment::header_size));
        ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK);
        using what = wire::message::what;
        const wire::message m{f.mapping == 2 ? what::gift : what::segment, f.id, f.capacity};
        detail::send_message(my_socket(), m, {&file, 1});
        ::close(file);
    }
    std::string body = f.body;
    body.resize(std::max(body.size(), f.size));
    const own_task mine = my_task();
    const auto size = static_cast<std::uint32_t>(body.size());
    return send_frame({f.claimed != 0 ? f.claimed : size, f.what,
                       f.slot < 0 ? mine.slot : static_cast<std::uint16_t>(f.slot),
                       mine.number + f.other},
                      body);
}

/// What the answer of a worker begins with, and an `int`.
std::string value_of(int n, wire::answer_body b = {}) { return bytes_of(b) + bytes_of(n); }
std::string in_mapping(std::uint8_t how, std::uint32_t id, std::uint64_t size) {
    return bytes_of(wire::answer_body{.in_segment = how}) + bytes_of(wire::segment_ref{id, size});
}

enum class expected {
    death,  ///< of the worker, with its task
    forged, ///< the value 7 that was forged, and the death of the worker for its second answer
    any     ///< its outcome is its own business
};

std::size_t descriptors() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

/// Two workers: what the other one does stays right, and a worker comes in the place of one that
/// has ended.
struct attacked {
    ferry::process_pool pool{{.max_workers = 2, .kill_grace = 200ms}};
    int honest = 0;

    void check(expected what, const forgery& f, ferry::task_options options = {}) {
        BOOST_TEST_CONTEXT("kind " << static_cast<int>(f.what) << ", slot " << f.slot << ", size "
                                   << f.body.size() << '/' << f.size << '/' << f.claimed
                                   << ", number + " << f.other << ", mapping " << f.mapping
                                   << ", id " << f.id << ", capacity " << f.capacity)
        check_outcome(what, pool.submit(std::move(options), forge, f));
    }
    void check_outcome(expected what, const ferry::future<int>& attack) {
        const int n = ++honest;
        const auto other = pool.submit(triple, n);
        BOOST_REQUIRE(attack.wait_for(patience));
        if (what == expected::death)
            BOOST_CHECK_THROW(attack.result(), ferry::worker_died);
        else if (what != expected::any)
            BOOST_TEST(attack.result() == 7);
        try {
            BOOST_TEST(other.result(patience) == 3 * n);
        } catch (const ferry::worker_died&) { // it came to run where the attack had been
        }
        BOOST_TEST(pool.submit(triple, n).result(patience) == 3 * n);
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(each_kind_that_no_worker_sends_ends_who_sends_it, attacked) {
    for (const int k : {0, 1, 2, 3, 4, 5, 10, 11, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff})
        check(expected::death, {.what = static_cast<kind>(k), .body = value_of(7)});
    check(expected::death, {.what = kind::padding, .body = value_of(7)}); // for what it wrote to
    check(expected::forged, {.body = value_of(7)});
}

BOOST_FIXTURE_TEST_CASE(each_size_is_checked_against_what_was_published_and_may_be, attacked) {
    for (const std::size_t size : {1, 8, 15})
        check(expected::death, {.body = std::string(size, '\0')});
    check(expected::death, {});
    check(expected::forged, {.body = value_of(7), .size = wire::max_body});
    check(expected::death, {.body = value_of(7), .size = wire::max_body + 1});
    check(expected::any, {.body = bytes_of(wire::answer_body())}); // no value behind it
    for (const std::uint32_t size :
         {33u, 0x10000u, 0x40000u, 0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu})
        check(expected::death, {.body = value_of(7), .claimed = size});
}

BOOST_FIXTURE_TEST_CASE(a_frame_is_about_the_task_that_it_names_or_about_none, attacked) {
    const std::string report = bytes_of(wire::progress_body{0.5});
    for (const kind k : {kind::value, kind::error, kind::progress}) {
        const std::string body = k == kind::progress ? report : value_of(7);
        for (const int slot : {62, 63, 64, 65, 0x7fff, 0x8000, 0xffff})
            check(expected::death, {.what = k, .body = body, .slot = slot});
        for (const std::uint64_t other :
             {std::uint64_t(1), all_ones, std::uint64_t(1) << 61, std::uint64_t(1) << 63})
            check(expected::death, {.what = k, .body = body, .other = other});
    }
}

BOOST_FIXTURE_TEST_CASE(the_fields_of_an_answer_are_bounded, attacked) {
    using number = std::numeric_limits<std::int64_t>;
    const auto begin = std::chrono::steady_clock::now();
    for (const std::int64_t run : {number::min(), std::int64_t(-1), std::int64_t(1), number::max()})
        check(expected::forged, {.body = value_of(7, {.run_ns = run})});
    for (const int retires : {1, 2, 127, 128, 255})
        check(expected::forged,
              {.body = value_of(7, {.retires = static_cast<std::uint8_t>(retires)})});
    for (const int keeps : {1, 2, 255}) // of arguments that are in no mapping
        check(expected::forged, {.body = value_of(7, {.keeps = static_cast<std::uint8_t>(keeps)})});
    BOOST_TEST((pool.stats().run_time.sum() <= std::chrono::steady_clock::now() - begin));
    BOOST_TEST((pool.stats().run_time.sum() >= 0ns));
}

BOOST_FIXTURE_TEST_CASE(an_answer_in_a_mapping_needs_one_of_that_name_and_size, attacked) {
    for (const int how : {1, 2, 3, 128, 255}) {
        const auto in_segment = static_cast<std::uint8_t>(how);
        check(expected::death, {.body = in_mapping(in_segment, 77, 100'000)}); // there is none
        check(expected::death, {.body = value_of(7, {.in_segment = in_segment})});
        check(expected::death, {.body = in_mapping(in_segment, 77, 4), .size = 40});
    }
    for (const int how : {1, 2}) {
        const auto in_segment = static_cast<std::uint8_t>(how);
        for (const std::uint32_t id : {0u, 76u, 78u, 0xffffffffu})
            check(expected::death, {.body = in_mapping(in_segment, id, 4), .mapping = how});
        for (const std::uint64_t size : {std::uint64_t(announced + 1), std::uint64_t(1) << 46,
                                         std::uint64_t(1) << 63, all_ones})
            check(expected::death, {.body = in_mapping(in_segment, 77, size), .mapping = how});
        for (const std::uint64_t size :
             {std::uint64_t(0), std::uint64_t(4), std::uint64_t(announced)})
            check(expected::any, {.body = in_mapping(in_segment, 77, size), .mapping = how});
        // What was announced as the one is no answer of the other kind.
        check(expected::death, {.body = in_mapping(in_segment, 77, 4), .mapping = 3 - how});
        for (const std::uint64_t capacity :
             {std::uint64_t(announced + 1), std::uint64_t(1) << 46, (std::uint64_t(1) << 46) + 1,
              std::uint64_t(1) << 63, all_ones - 63, all_ones})
            check(expected::death,
                  {.body = in_mapping(in_segment, 77, 4), .mapping = how, .capacity = capacity});
        check(expected::death,
              {.body = in_mapping(in_segment, 77, 4), .mapping = how, .capacity = 0});
    }
}

BOOST_FIXTURE_TEST_CASE(a_report_of_progress_has_a_number_and_a_note_of_limited_length, attacked) {
    for (const std::size_t size : {0, 1, 7})
        check(expected::death, {.what = kind::progress, .body = std::string(size, '\0')});
    const std::size_t longest = sizeof(wire::progress_body) + wire::longest_note;
    check(expected::death, {.what = kind::progress, .size = longest + 1});
    check(expected::death, {.what = kind::progress, .size = wire::max_body});
    using number = std::numeric_limits<double>;
    for (const double done : {0.0, -1.0, number::denorm_min(), number::max(), number::infinity(),
                              -number::infinity(), number::quiet_NaN(), number::signaling_NaN()}) {
        const forgery report{.what = kind::progress,
                             .body = bytes_of(wire::progress_body{done}),
                             .size = std::isnan(done) ? longest : 0};
        check(expected::death, report); // which nobody asked for
        std::vector<ferry::progress> heard;
        check(expected::death, report,
              {.on_progress = [&heard](const ferry::progress& p) { heard.push_back(p); }});
        BOOST_REQUIRE(heard.size() == 1u);
        BOOST_TEST((std::isnan(done) ? std::isnan(heard[0].done) : heard[0].done == done));
        BOOST_TEST(heard[0].note.size() == (std::isnan(done) ? wire::longest_note : 0));
    }
}

namespace {

int forge_and_stay(const forgery& f) {
    forge(f);
    for (;;)
        ::pause();
}

} // namespace

// What is handed to it later runs elsewhere.
BOOST_AUTO_TEST_CASE(a_worker_that_answers_and_goes_on_keeps_no_other_task) {
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit(forge_and_stay, forgery{.body = value_of(7)}).result(patience) == 7);
    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
}

namespace {

/// Sends one message with so many descriptors and bytes, and then an answer in the mapping of it.
int send_descriptors(int count, int size, int what) {
    const int file = ::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    static_cast<void>(::ftruncate(file, announced + detail::segment::header_size));
    ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK);
    const std::vector<int> files(static_cast<std::size_t>(count), file);
    const wire::message m{static_cast<wire::message::what>(what), 77, announced};
    std::string bytes = bytes_of(m);
    bytes.resize(static_cast<std::size_t>(size));
    std::vector<std::max_align_t> control(1 + CMSG_SPACE(files.size() * sizeof(int)) /
                                                  sizeof(std::max_align_t));
    iovec part{bytes.data(), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (count != 0) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
        cmsghdr* const c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
        std::memcpy(CMSG_DATA(c), files.data(), files.size() * sizeof(int));
    }
    if (::sendmsg(my_socket(), &header, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        return 2;
    return forge({.body = in_mapping(what == 4 ? 2 : 1, 77, 4)});
}

} // namespace

BOOST_AUTO_TEST_CASE(messages_with_other_descriptors_than_one_cost_no_descriptors) {
    attacked a;
    const marker go, here;
    // Both workers are there.
    auto first = a.pool.submit(when_touched, go.path());
    auto second = a.pool.submit(when_touched, go.path());
    BOOST_REQUIRE(eventually([&] { return first.running() && second.running(); }));
    touch(go.path());
    first.result(patience);
    second.result(patience);
    const std::size_t before = descriptors();
    constexpr int right = sizeof(wire::message);
    constexpr int segment = 2, gift = 4;
    for (const int what : {segment, gift}) {
        for (const int count : {0, 3, 4, 16, 252, 253})
            a.check_outcome(expected::death, a.pool.submit(send_descriptors, count, right, what));
        for (const int size : {1, right - 1, right + 1, 4096})
            a.check_outcome(expected::death, a.pool.submit(send_descriptors, 1, size, what));
        a.check_outcome(expected::any, a.pool.submit(send_descriptors, 1, right, what));
        a.check_outcome(expected::any, a.pool.submit(send_descriptors, 2, right, what));
    }
    for (const int what : {0, 1, 3, 5, 6, -1})
        a.check_outcome(expected::death, a.pool.submit(send_descriptors, 1, right, what));
    BOOST_TEST(eventually([&] { return descriptors() <= before; }),
               descriptors() << " descriptors instead of " << before);
}
