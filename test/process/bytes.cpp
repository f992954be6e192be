// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/bytes.hpp>

#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_bytes
#define BOOST_TEST_NO_MAIN
#include "helpers/worker_main.hpp"

#include "process/segment.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace detail = ferry::detail;

namespace {

struct point {
    int x = 0;
    double y = 0;
    std::string name;
};
struct linked {
    int value = 0;
    std::unique_ptr<linked> next;
};

} // namespace

BOOST_AUTO_TEST_CASE(torn_bytes_are_refused_before_room_is_made) {
    detail::segment_store store(1);
    detail::byte_sink out(store);
    detail::output_archive to(out);
    to(std::vector<std::string>{"one", "two", "three"}, std::map<int, point>{{1, {}}});
    const std::vector<std::byte> whole(out.bytes().begin(), out.bytes().end());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        detail::byte_source in(std::span<const std::byte>(whole).first(size));
        detail::input_archive from(in);
        std::vector<std::string> a;
        std::map<int, point> b;
        BOOST_CHECK_THROW(from(a, b), std::runtime_error);
    }
    std::mt19937 random(3);
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = whole;
        for (int i = 0; i < 3; ++i)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        detail::byte_source in(bytes);
        detail::input_archive from(in);
        std::vector<std::string> a;
        std::map<int, point> b;
        try {
            from(a, b);
        } catch (const std::runtime_error&) {
        }
        BOOST_REQUIRE(a.size() <= bytes.size());
    }
}

// Both ends go down by recursion, and one of them is not trusted.
BOOST_AUTO_TEST_CASE(what_is_nested_too_deep_is_refused_at_both_ends) {
    const auto chain = [](int length) {
        linked first;
        for (int i = 1; i < length; ++i) {
            auto next = std::make_unique<linked>(std::move(first));
            first = linked{i, std::move(next)};
        }
        return first;
    };
    detail::segment_store store(1);
    detail::byte_sink out(store);
    {
        detail::output_archive to(out);
        to(chain(1000));
    }
    BOOST_CHECK_THROW(([&] {
                          detail::byte_sink unused(store);
                          detail::output_archive to(unused);
                          to(chain(1001));
                      }()),
                      std::length_error);
    const std::vector<std::byte> whole(out.bytes().begin(), out.bytes().end());
    detail::byte_source in(whole);
    detail::input_archive from(in);
    linked back;
    from(back);
    BOOST_TEST(back.value == 999);
    const std::size_t level = whole.size() / 1000; // each is as long, but for its last byte
    std::vector<std::byte> forged;
    for (int i = 0; i < 100'000; ++i)
        forged.insert(forged.end(), whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(level));
    detail::byte_source bad(forged);
    detail::input_archive from_bad(bad);
    linked never;
    BOOST_CHECK_THROW(from_bad(never), std::length_error);
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_no_bool_is_refused) {
    for (const unsigned byte : {0u, 1u, 2u, 255u}) {
        const std::vector forged{static_cast<std::byte>(byte), std::byte{7}};
        detail::byte_source in(forged);
        detail::input_archive from(in);
        std::optional<char> value; // begins with one
        if (byte > 1) {
            BOOST_CHECK_THROW(from(value), std::runtime_error);
        } else {
            from(value);
            BOOST_TEST(value.has_value() == (byte == 0));
        }
    }
}

BOOST_AUTO_TEST_CASE(large_payloads_recycle_one_mapping) {
    detail::segment_store store(2);
    std::uint32_t id = 0;
    for (int i = 0; i < 10; ++i) {
        detail::byte_sink out(store);
        const std::string text(200'000, static_cast<char>('a' + i));
        out.write(text.data(), text.size());
        const detail::payload p = out.finish();
        BOOST_REQUIRE(p.shared() != nullptr);
        if (i > 0)
            BOOST_TEST(p.shared()->id() == id);
        id = p.shared()->id();
        BOOST_TEST((std::memcmp(p.bytes().data(), text.data(), text.size()) == 0));
    }
    detail::byte_sink small(store);
    small.write("x", 1);
    BOOST_TEST(small.finish().shared() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_mapping_that_is_still_read_is_not_written_to) {
    detail::segment_store store(2, detail::segment::side::worker);
    detail::byte_sink out(store);
    out.write(std::string(100'000, 'a').data(), 100'000);
    const detail::segment* first = nullptr;
    {
        const detail::payload p = out.finish();
        p.shared()->head().in_use.store(1);
        first = p.shared();
    }
    detail::byte_sink next(store);
    next.write(std::string(100'000, 'b').data(), 100'000);
    const detail::payload q = next.finish();
    BOOST_TEST(q.shared() != first);
}

BOOST_AUTO_TEST_CASE(a_sink_grows_from_its_own_room_to_a_mapping_without_a_gap) {
    detail::segment_store store(1);
    detail::byte_sink out(store);
    std::string expected;
    for (int i = 0; expected.size() < 300'000; ++i) {
        const std::string part(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26));
        out.write(part.data(), part.size());
        expected += part;
    }
    BOOST_REQUIRE(out.size() == expected.size());
    BOOST_TEST((std::memcmp(out.bytes().data(), expected.data(), expected.size()) == 0));
    BOOST_CHECK_THROW(out.write(expected.data(), std::size_t(1) << 50), std::length_error);
}
