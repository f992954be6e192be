// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What is for one worker is none of another's business: neither can see, let alone write to, the
// memory in which the other one's arguments and results are, and none its own arguments.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE segments_apart
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <sys/mman.h>

namespace {

/// What a worker has mapped of payloads: their files.
struct seen {
    int pid = 0;
    std::set<std::uint64_t> read_only = {};
    std::set<std::uint64_t> own = {}; ///< for its results: it can write to them
    std::size_t made_writable = 0;
    std::string ballast; ///< so that the result is large, too
};

std::size_t length(const std::string& s) { return s.size(); }

/// Waits until the other one is there, so that each of them has a worker.
seen look(const std::string& argument, const std::string& mine, const std::string& others) {
    touch(mine);
    when_touched(others);
    seen s{.pid = ::getpid(), .ballast = argument};
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("ferry-payload") == std::string::npos)
            continue;
        std::uintptr_t from = 0, to = 0;
        char dash = 0;
        std::string rights, offset, device;
        std::uint64_t file = 0;
        std::istringstream(line) >> std::hex >> from >> dash >> to >> rights >> offset >> device >>
            std::dec >> file;
        if (rights.find('w') != std::string::npos) {
            s.own.insert(file);
            continue;
        }
        s.read_only.insert(file);
        if (::mprotect(reinterpret_cast<void*>(from), to - from, PROT_READ | PROT_WRITE) == 0)
            ++s.made_writable;
    }
    return s;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_mapping_is_known_to_two_workers_nor_can_arguments_be_written_to) {
    ferry::process_pool pool(2);
    std::map<int, seen> all;
    for (int round = 0; round < 20; ++round) {
        const marker here, there;
        const std::string a(100'000 + static_cast<std::size_t>(round % 3) * 300'000, 'a');
        const std::string b(100'000 + static_cast<std::size_t>(round % 5) * 200'000, 'b');
        {
            // One of them comes to know two mappings, which are used again for both arguments.
            const marker go;
            auto busy = pool.submit(when_touched, go.path());
            BOOST_REQUIRE(eventually([&] { return busy.running(); }));
            auto one = pool.submit(length, a), other = pool.submit(length, b);
            BOOST_TEST(one.result(patience) == a.size());
            BOOST_TEST(other.result(patience) == b.size());
            touch(go.path());
            busy.result(patience);
        }
        auto first = pool.submit(look, a, here.path(), there.path());
        auto second = pool.submit(look, b, there.path(), here.path());
        for (auto* const f : {&first, &second}) {
            const seen& s = f->result(patience);
            BOOST_TEST((s.ballast == (f == &first ? a : b)));
            BOOST_TEST(!s.read_only.empty());
            BOOST_TEST(s.made_writable == 0u);
            seen& known = all[s.pid];
            known.read_only.insert(s.read_only.begin(), s.read_only.end());
            known.own.insert(s.own.begin(), s.own.end());
        }
    }
    BOOST_REQUIRE(all.size() == 2u);
    const auto files = [](const seen& s) {
        std::set<std::uint64_t> both = s.read_only;
        both.insert(s.own.begin(), s.own.end());
        return both;
    };
    const auto first = files(all.begin()->second), second = files(all.rbegin()->second);
    BOOST_TEST(!all.begin()->second.own.empty());
    std::vector<std::uint64_t> common;
    std::ranges::set_intersection(first, second, std::back_inserter(common));
    BOOST_TEST(common.empty(), common.size() << " mappings are known to both workers");
    for (const auto& [pid, s] : all) {
        std::vector<std::uint64_t> written;
        std::ranges::set_intersection(s.read_only, s.own, std::back_inserter(written));
        BOOST_TEST(written.empty());
    }
}
