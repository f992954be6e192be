// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What `map` promises: here on a pool of threads and on a pool of processes.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE maps
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"
#include "map_calls.hpp"

#include <boost/mpl/list.hpp>

#include <memory>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

using pools = boost::mpl::list<ferry::thread_pool, ferry::process_pool>;
using pools_that_can_be_busy = pools;

/// A call that stays until `release`.
template <class Pool>
ferry::future<int> keep_busy(Pool& pool) {
    open_here = std::make_unique<gate>();
    return pool.submit(stay, 0);
}
/// Ends calls of `stay`, after what is tested.
void release(ferry::thread_pool&) { open_here->open(); }
void release(ferry::process_pool& pool) { pool.kill_workers(); }

/// Can be sent unless it is 3.
struct unsendable_three {
    int n = 0;
    template <class Archive>
    void save(Archive& ar) const {
        ar(n);
        if (n == 3)
            throw std::domain_error("three");
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(n);
    }
};
int number_of(unsendable_three u) { return u.n; }

} // namespace

#include "map_cases.hpp"

BOOST_AUTO_TEST_CASE(an_element_that_cannot_be_sent_fails_alone_inside_a_chunk) { // CF-MAP-03
    ferry::process_pool pool(1);
    std::vector<unsendable_three> inputs;
    for (int n : {0, 3, 2, 3, 3, 5, 6, 3})
        inputs.push_back({n});
    for (const std::size_t chunk : {1u, 2u, 3u, 100u}) {
        for (const std::size_t buffer : {1u, 3u, 100u}) {
            BOOST_TEST((read_all(pool.map({.chunksize = chunk, .buffersize = buffer}, number_of,
                                          inputs)) == std::vector{0, -3, 2, -3, -3, 5, 6, -3}));
        }
    }
}
