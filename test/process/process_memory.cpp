// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What memory stays when a burst of work is over.
#include <ferry/process_pool.hpp>

#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_memory
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <fstream>
#include <malloc.h>
#include <string>
#include <vector>

namespace {

constexpr std::size_t large = std::size_t(4) << 20;

// In the workers too: large blocks always go back to the kernel, so what stays is not the
// allocator's, which otherwise keeps one such block for each thread.
[[maybe_unused]] const int fixed = ::mallopt(M_MMAP_THRESHOLD, large / 4);

std::string echoes(std::string s) { return s; }
int same(int n) { return n; }
struct memory {
    std::size_t resident = 0;
    std::size_t shared = 0; // of that
};
// Has the allocator give back what is free.
memory look() {
    ::malloc_trim(0);
    std::ifstream status("/proc/self/status");
    memory m;
    for (std::string word; status >> word;) {
        if (word == "VmRSS:")
            status >> m.resident;
        else if (word == "RssShmem:")
            status >> m.shared;
    }
    return {m.resident << 10, m.shared << 10};
}
// How much there is when the mappings of large values have been given back.
template <class F>
std::size_t settled(F f) {
    BOOST_TEST(eventually([&] { return f().shared < large; }));
    return f().resident;
}

void burst(ferry::process_pool& pool) {
    std::vector<ferry::future<int>> small;
    for (int i = 0; i != 20'000; ++i)
        small.push_back(pool.submit(same, i));
    std::vector<ferry::future<std::string>> all;
    for (int i = 0; i != 500; ++i)
        all.push_back(pool.submit(echoes, std::string(10'000, 'm')));
    for (int i = 0; i != 24; ++i)
        all.push_back(pool.submit(echoes, std::string(large, 'l')));
    for (auto& f : small)
        f.result(patience);
    for (auto& f : all)
        f.result(patience);
}

} // namespace

BOOST_AUTO_TEST_CASE(memory_returns_to_within_a_tenth_after_a_burst) {
    ferry::process_pool pool(1);
    const auto look_there = [&pool] { return pool.submit(look).result(patience); };
    for (int i = 0; i != 1000; ++i)
        pool.submit(echoes, std::string(1000, 's')).result(patience);
    pool.submit(echoes, std::string(large, 'l')).result(patience);
    const std::size_t here = settled(look);
    const std::size_t there = settled(look_there);
    burst(pool);
    std::size_t after = 0;
    BOOST_TEST(eventually([&] { return (after = look().resident) <= here + here / 10; }),
               here << " bytes before, " << after << " after");
    BOOST_TEST(eventually([&] {
                   after = look_there().resident;
                   return after <= there + there / 10;
               }),
               "in the worker " << there << " bytes before, " << after << " after");
}
