// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One suite for everything that runs tasks: here over a pool of threads, a pool of processes, a
// strand over a pool, and Asio's own pool.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE conformance
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/mpl/list.hpp>

#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// ---- What is tested -----------------------------------------------------------------------------

template <class Pool>
struct direct {
    Pool pool{2};
    auto& target() { return pool; }
    template <class... A>
    auto submit(A&&... a) {
        return pool.submit(std::forward<A>(a)...);
    }
};
using threads = direct<ferry::thread_pool>;
using processes = direct<ferry::process_pool>;
struct strand {
    ferry::thread_pool pool{2};
    asio::strand<ferry::thread_pool::executor_type> executor{asio::make_strand(pool)};
    auto& target() { return executor; }
    template <class... A>
    auto submit(A&&... a) {
        return ferry::submit(executor, std::forward<A>(a)...);
    }
    template <class... A>
    auto submit(ferry::task_options options, A&&... a) {
        return ferry::submit(std::move(options), executor, std::forward<A>(a)...);
    }
};
struct asio_pool {
    asio::thread_pool pool{2};
    ~asio_pool() { pool.join(); }
    auto target() { return pool.get_executor(); }
    template <class... A>
    auto submit(A&&... a) {
        return ferry::submit(pool, std::forward<A>(a)...);
    }
    template <class... A>
    auto submit(ferry::task_options options, A&&... a) {
        return ferry::submit(std::move(options), pool, std::forward<A>(a)...);
    }
};
using all = boost::mpl::list<threads, processes, strand, asio_pool>;
using all_that_take_back = all;

} // namespace

#include "executor_cases.hpp"
