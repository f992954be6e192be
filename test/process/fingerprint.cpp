// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE fingerprint
#include <boost/test/unit_test.hpp>

#include "process/fingerprint.hpp"

#include <set>
#include <string>
#include <vector>

namespace {

std::uint64_t of(const std::string& text, std::uint64_t module = 1, std::uint64_t offset = 2,
                 std::uint64_t seed = 3) {
    return ferry::detail::fingerprint({module, offset}, std::as_bytes(std::span(text)), seed);
}

} // namespace

BOOST_AUTO_TEST_CASE(equal_tasks_have_equal_fingerprints) {
    for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 1000u})
        BOOST_TEST(of(std::string(size, 'x')) == of(std::string(size, 'x')));
}

BOOST_AUTO_TEST_CASE(every_byte_the_length_the_function_and_the_seed_matter) {
    std::set<std::uint64_t> all{of(""), of("", 2), of("", 1, 3), of("", 1, 2, 4), of("", 2, 1)};
    std::size_t count = all.size();
    BOOST_TEST(count == 5u);
    for (std::size_t size = 1; size < 70; ++size) {
        const std::string zeros(size, '\0');
        all.insert(of(zeros));
        ++count;
        for (std::size_t i = 0; i < size; ++i) {
            for (const int bit : {1, 128}) {
                std::string changed = zeros;
                changed[i] = static_cast<char>(bit);
                all.insert(of(changed));
                ++count;
            }
        }
    }
    BOOST_TEST(all.size() == count);
    BOOST_TEST(all.count(0) == 0u);
}
