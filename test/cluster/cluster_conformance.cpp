// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The suites of all executors and pools, over a cluster pool with a worker host of its own.
//
// What they promise of other pools and a cluster does not:
// - what_is_cancelled_before_it_starts_never_runs: for a cluster, cancelled means that the
//   result is dropped; the host may start the task before it hears of that.
// - an_idle_worker_is_reused, zero_workers_are_refused: the hosts start the workers, and their
//   number is no option of the pool.
#define BOOST_TEST_MODULE cluster_conformance
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "conformance/map_calls.hpp"
#include "helpers/cluster_helpers.hpp"
#include "helpers/process_helpers.hpp"

#include <boost/mpl/list.hpp>

#include <cstdio>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// In front of the pool, so that it ends behind it.
struct own_host {
    explicit own_host(std::size_t workers) : at(patient()), server(at, workers) {}
    static ferry::cluster_options patient() {
        ferry::cluster_options o = own_application();
        o.heartbeat = 10s; // so that a busy machine is no lost host
        return o;
    }
    ferry::cluster_options at;
    test_host server;
};
class cluster : own_host, public ferry::cluster_pool {
public:
    explicit cluster(std::size_t workers) : own_host(workers), ferry::cluster_pool(at) {}
    /// With SIGKILL, whatever they do.
    void end_workers() const {
        for (const int pid : children_of(server.pid()))
            ::kill(pid, SIGKILL);
    }
};

struct clustered {
    cluster pool{2};
    ferry::cluster_pool& target() { return pool; }
    template <class... A>
    auto submit(A&&... a) {
        return pool.submit(std::forward<A>(a)...);
    }
};

using all = boost::mpl::list<clustered>;
using all_that_take_back = boost::mpl::list<>;
using pools = boost::mpl::list<cluster>;
using pools_that_start_workers = boost::mpl::list<>;
using pools_that_can_be_busy = pools;

/// A call that stays until `release`, and runs.
ferry::future<int> keep_busy(cluster& pool) {
    auto busy = pool.submit(stay, 0);
    BOOST_REQUIRE(eventually([&] { return busy.running(); }));
    return busy;
}
/// Ends calls of `stay`, after what is tested: the host's workers die.
void release(cluster& pool) { pool.end_workers(); }

} // namespace

#include "conformance/executor_cases.hpp"
#include "conformance/map_cases.hpp"
#include "conformance/pool_cases.hpp"

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    if (!test_broker::is_installed()) {
        std::puts("rabbitmq-server is not installed");
        return 0;
    }
    return run_cluster_tests<triple, when_touched, touch, sleeping, fail, same, stay, fail_odd>(
        argc, argv);
}
