// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE shared_bytes
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <tuple>
#include <utility>
#include <vector>

using ferry::shared_bytes;

namespace {

shared_bytes makes(std::size_t size, char with) { return shared_bytes(std::string(size, with)); }
std::vector<shared_bytes> makes_two(std::size_t size) {
    return {makes(size, 'a'), makes(size, 'b')};
}
std::size_t measures(const shared_bytes& b) { return b.size(); }
shared_bytes echoes(shared_bytes b) { return b; }

// How the address is mapped, as in /proc/self/maps: "r--s ... /memfd:ferry-payload (deleted)".
std::string mapping_of(const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::size_t used = 0;
        const auto start = std::stoull(line, &used, 16);
        const auto end = std::stoull(line.substr(used + 1), nullptr, 16);
        if (at >= start && at < end)
            return line.substr(line.find(' ') + 1);
    }
    return "";
}
bool is_read_only_mapping_of_a_pool(const std::string& mapping) {
    return mapping.starts_with("r--s") && mapping.find("ferry-payload") != std::string::npos;
}

std::size_t mapped_payloads() {
    std::ifstream maps("/proc/self/maps");
    std::size_t n = 0;
    for (std::string line; std::getline(maps, line);)
        n += line.find("ferry-payload") != std::string::npos ? 1 : 0;
    return n;
}

// What a worker keeps from one task to another.
std::vector<shared_bytes> kept;
void keeps(shared_bytes b) { kept.push_back(std::move(b)); }
void keeps_and_throws(shared_bytes b) {
    kept.push_back(std::move(b));
    throw std::runtime_error("kept");
}
std::string first_letters() {
    std::string all;
    for (const auto& b : kept)
        all += b.view() == std::string(b.size(), b.view()[0]) ? b.view()[0] : '?';
    return all;
}
std::string mapping_of_last() { return mapping_of(kept.back().data()); }

} // namespace

BOOST_AUTO_TEST_CASE(they_are_bytes) {
    const shared_bytes none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.size() == 0u);
    const shared_bytes some(std::string_view("abc"));
    BOOST_TEST(some.size() == 3u);
    BOOST_TEST(some.view() == "abc");
    BOOST_TEST((some[1] == std::byte('b')));
    BOOST_TEST((some == shared_bytes(some.span())));
    BOOST_TEST(!(some == none));
    const std::span<const std::byte> view = some;
    BOOST_TEST(view.data() == some.data());
    const shared_bytes copy = some;
    BOOST_TEST(copy.data() == some.data());
    BOOST_TEST(std::is_nothrow_copy_constructible_v<shared_bytes>);
}

BOOST_AUTO_TEST_CASE(small_results_and_arguments_of_any_size_arrive) {
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit(makes, std::size_t(0), 'x').result().size() == 0u);
    BOOST_TEST(pool.submit(makes, std::size_t(10), 'x').result().view() == "xxxxxxxxxx");
    for (const std::size_t size : {0u, 5u, 100'000u, 3'000'000u}) {
        const shared_bytes b(std::string(size, 'y'));
        BOOST_TEST(pool.submit(measures, b).result() == size);
        BOOST_TEST((pool.submit(echoes, b).result() == b));
    }
}

BOOST_AUTO_TEST_CASE(a_large_result_is_the_worker_s_mapping_which_nobody_can_write_to) {
    ferry::process_pool pool(1);
    const std::size_t size = 5'000'000;
    auto f = pool.submit(makes, size, 'z');
    const shared_bytes& b = f.result();
    BOOST_TEST(b.view() == std::string(size, 'z'));
    BOOST_TEST(is_read_only_mapping_of_a_pool(mapping_of(b.data())));
    void* const page =
        reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(b.data()) & ~std::uintptr_t(4095));
    BOOST_TEST(::mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0); // the file is sealed
}

BOOST_AUTO_TEST_CASE(a_large_argument_is_the_pool_s_mapping_which_the_worker_cannot_write_to) {
    ferry::process_pool pool(1);
    const auto where = [](const shared_bytes& b, const std::string&) {
        void* const page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(b.data()) &
                                                   ~std::uintptr_t(4095));
        const bool refused = ::mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0;
        return std::pair(mapping_of(b.data()), refused);
    };
    for (const std::size_t size : {70'000u, 3'000'000u}) {
        const shared_bytes b(std::string(size, 'y'));
        const auto [mapping, refused] = pool.submit(where, b, std::string("beside it")).result();
        BOOST_TEST(is_read_only_mapping_of_a_pool(mapping), mapping);
        BOOST_TEST(refused);
    }
}

BOOST_AUTO_TEST_CASE(what_a_worker_keeps_does_not_change) {
    ferry::process_pool pool(1);
    std::string expected;
    for (int i = 0; i != 8; ++i) {
        const char letter = static_cast<char>('a' + i);
        expected += letter;
        if (i % 2 == 0)
            pool.submit(keeps, makes(200'000, letter)).result();
        else
            BOOST_CHECK_THROW(pool.submit(keeps_and_throws, makes(200'000, letter)).result(),
                              std::runtime_error);
        BOOST_TEST(is_read_only_mapping_of_a_pool(pool.submit(mapping_of_last).result()));
        // Arguments that are not kept go through other mappings.
        BOOST_TEST(pool.submit(measures, makes(200'000, 'r')).result() == 200'000u);
        BOOST_TEST(pool.submit(first_letters).result() == expected);
    }
    BOOST_TEST(mapped_payloads() <= 2u); // the pool has let go of them
    const auto lets_go = [] {
        const std::size_t before = mapped_payloads();
        kept.clear();
        return before - mapped_payloads();
    };
    BOOST_TEST(pool.submit(lets_go).result() == 8u);
}

BOOST_AUTO_TEST_CASE(what_an_initializer_keeps_does_not_change) {
    ferry::process_pool pool(
        {.max_workers = 1, .initializer = ferry::process_initializer(keeps, makes(200'000, 'i'))});
    for (int i = 0; i != 4; ++i)
        BOOST_TEST(pool.submit(measures, makes(200'000, 'r')).result() == 200'000u);
    BOOST_TEST(pool.submit(first_letters).result() == "i");
    BOOST_TEST(is_read_only_mapping_of_a_pool(pool.submit(mapping_of_last).result()));
}

BOOST_AUTO_TEST_CASE(memory_of_arguments_that_nobody_keeps_is_used_again) {
    ferry::process_pool pool(1);
    std::set<std::uintptr_t> places;
    const auto place = [](const shared_bytes& b) {
        return reinterpret_cast<std::uintptr_t>(b.data());
    };
    for (int i = 0; i != 50; ++i)
        places.insert(pool.submit(place, makes(200'000, 'p')).result());
    BOOST_TEST(places.size() <= 2u);
}

BOOST_AUTO_TEST_CASE(results_outlive_future_worker_and_pool_and_each_other) {
    std::vector<shared_bytes> kept;
    {
        ferry::process_pool pool(1);
        for (int i = 0; i != 10; ++i) {
            kept.push_back(
                pool.submit(makes, std::size_t(200'000), static_cast<char>('a' + i)).result());
            // Mappings that are recycled between them.
            BOOST_TEST(pool.submit([] { return std::string(200'000, 'r'); }).result().size() ==
                       200'000u);
        }
        auto two = pool.submit(makes_two, std::size_t(300'000)).result();
        kept.insert(kept.end(), two.begin(), two.end());
    }
    for (int i = 0; i != 10; ++i)
        BOOST_TEST(kept[static_cast<std::size_t>(i)].view() ==
                   std::string(200'000, static_cast<char>('a' + i)));
    BOOST_TEST(kept[10].view() == std::string(300'000, 'a'));
    BOOST_TEST(kept[11].view() == std::string(300'000, 'b'));
}

BOOST_AUTO_TEST_CASE(map_gives_them_too) {
    ferry::process_pool pool(2);
    const std::vector<std::size_t> sizes{10, 100'000, 200'000, 20};
    std::size_t i = 0;
    for (shared_bytes b :
         pool.map({.chunksize = 2}, [](std::size_t n) { return makes(n, 'm'); }, sizes))
        BOOST_TEST(b.size() == sizes[i++]);
    BOOST_TEST(i == sizes.size());
}
