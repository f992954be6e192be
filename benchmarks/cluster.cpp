// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
//
// A cluster pool beside a bare echo over the same broker, in the same run.
//
//     bench_cluster URL [HOSTS]     with the password in the environment variable FERRY_PASSWORD
//
// The echo is two threads with one connection each: one publishes a message and waits for the
// reply, the other one sends every message back, without confirms and without acknowledgements. The
// pool's task is confirmed, runs in a worker process of a worker host, and its outcome is confirmed
// and acknowledged. Times are medians.
//
// The account of a round trip has two lines more: an echo whose messages are confirmed and
// acknowledged as those of the pool are, through a queue with priorities, and a process pool of this
// machine, without a broker.

#include <ferry/cluster.hpp>

#include "cluster/connection.hpp"
#include "cluster/waking.hpp"
#include "median.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using bytes = std::vector<char>;
namespace cluster = ferry::detail::cluster;

bytes echo(bytes b) { return b; }

template <class F>
double microseconds(F f) {
    const auto start = clock_type::now();
    f();
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count();
}

const ferry::detail::cluster::queue_options plain{.expires_after = std::chrono::seconds(60)};
const ferry::detail::cluster::queue_options prioritised{.has_priorities = true,
                                                        .expires_after = std::chrono::seconds(60)};

// The other end of an echo. A kept one acknowledges a message once the broker has confirmed the
// reply.
class echo_server {
public:
    echo_server(const ferry::cluster_options& at, const std::string& name, bool kept)
        : link_(at, cluster::check_options(at), "echo"), reply_(name + ".reply"), kept_(kept) {
        link_.declare_queue(name + ".echo", kept ? prioritised : plain);
        link_.declare_queue(reply_, plain);
        if (kept)
            link_.select_confirms();
        link_.consume(name + ".echo", "echo", kept);
        thread_ = std::thread([this] { run(); });
    }
    ~echo_server() {
        done_ = true;
        wake_.signal();
        thread_.join();
    }

private:
    void run() {
        while (!done_) {
            const auto e = link_.next();
            if (e.what == cluster::event::kind::delivery)
                link_.publish({}, reply_, e.body, {.mandatory = kept_ ? e.tag : 0});
            else if (e.what == cluster::event::kind::confirmed)
                link_.acknowledge(e.tag, e.multiple); // each delivery has one reply
            else
                link_.wait(wake_.file(), clock_type::now() + std::chrono::seconds(1));
        }
    }

    cluster::connection link_;
    const std::string reply_;
    const bool kept_;
    cluster::wake_up wake_;
    std::atomic<bool> done_{false};
    std::thread thread_;
};

class echo_client {
public:
    echo_client(const ferry::cluster_options& at, const std::string& name, bool kept)
        : link_(at, cluster::check_options(at), "echo"), to_(name + ".echo"), kept_(kept) {
        if (kept)
            link_.select_confirms();
        link_.consume(name + ".reply", "replies", kept);
    }
    void send(const bytes& b) { link_.publish({}, to_, std::as_bytes(std::span(b)), {}); }
    void receive() {
        for (;;) {
            const auto e = link_.next();
            if (e.what == cluster::event::kind::delivery) {
                if (kept_)
                    link_.acknowledge(e.tag);
                return;
            }
            if (e.what == cluster::event::kind::nothing)
                link_.wait(wake_.file(), clock_type::now() + std::chrono::seconds(1));
        }
    }

private:
    cluster::connection link_;
    const std::string to_;
    const bool kept_;
    cluster::wake_up wake_;
};

void compare(ferry::cluster_pool& pool, echo_client& bare, std::size_t size, int rounds) {
    const bytes b(size, 'x');
    std::vector<double> bare_times;
    std::vector<double> pool_times;
    for (int i = 0; i != rounds; ++i) { // by turns
        bare_times.push_back(microseconds([&] {
            bare.send(b);
            bare.receive();
        }));
        pool_times.push_back(microseconds([&] { pool.submit(echo, b).result(); }));
    }
    const double bare_time = median(bare_times);
    const double pool_time = median(pool_times);
    std::printf("round trip, %8zu bytes: echo %9.0f us, pool %9.0f us, ratio %.2f\n", size,
                bare_time, pool_time, pool_time / bare_time);
}

// What a round trip of 1 KiB is made of.
void account(ferry::cluster_pool& pool, echo_client& bare, echo_client& kept) {
    const bytes b(1024, 'x');
    ferry::process_pool local(2);
    local.submit(echo, b).result();
    std::vector<double> times[4];
    const auto trip = [&](echo_client& c) {
        return microseconds([&] {
            c.send(b);
            c.receive();
        });
    };
    for (int i = 0; i != 1000; ++i) {
        times[0].push_back(trip(bare));
        times[1].push_back(trip(kept));
        times[2].push_back(microseconds([&] { local.submit(echo, b).result(); }));
        times[3].push_back(microseconds([&] { pool.submit(echo, b).result(); }));
    }
    std::printf("account, 1024 bytes: echo %.0f us, confirmed and acknowledged %.0f us, "
                "process pool alone %.0f us, pool %.0f us\n",
                median(times[0]), median(times[1]), median(times[2]), median(times[3]));
}

void throughput(ferry::cluster_pool& pool, echo_client& bare, int calls) {
    const bytes b(1024, 'x');
    const double bare_time = microseconds([&] {
        for (int i = 0; i != calls; ++i)
            bare.send(b);
        for (int i = 0; i != calls; ++i)
            bare.receive();
    });
    const double pool_time = microseconds([&] {
        std::vector<ferry::future<bytes>> all;
        for (int i = 0; i != calls; ++i)
            all.push_back(pool.submit(echo, b));
        for (auto& f : all)
            f.wait();
    });
    std::printf("throughput, 1024 bytes: echo %.0f/s, pool %.0f/s\n", calls * 1e6 / bare_time,
                calls * 1e6 / pool_time);
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    ferry::allow_remote<echo>();
    if (argc < 2 || std::getenv("FERRY_PASSWORD") == nullptr) {
        std::fprintf(stderr, "usage: FERRY_PASSWORD=... bench_cluster URL [HOSTS]\n");
        return 2;
    }
    ferry::cluster_options at{.url = argv[1], .application = "bench"};
    at.password = [] { return std::string(std::getenv("FERRY_PASSWORD")); };
    at.max_message = std::size_t(20) << 20;
    if (argc > 2 && std::string_view(argv[2]) == "serve")
        return ferry::serve_cluster_worker(at, {.processes = {.max_workers = 2}});
    const int hosts = argc > 2 ? std::atoi(argv[2]) : 1;
    std::vector<pid_t> children;
    for (int i = 0; i != hosts; ++i) {
        std::string self = "/proc/self/exe";
        std::string serve = "serve";
        char* arguments[] = {self.data(), argv[1], serve.data(), nullptr};
        pid_t child = 0;
        if (::posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ) == 0)
            children.push_back(child);
    }
    int code = 0;
    try {
        ferry::cluster_pool pool(at);
        pool.submit(echo, bytes(1)).result();
        const echo_server server(at, "bench", false);
        echo_client bare(at, "bench", false);
        const echo_server kept_server(at, "bench.kept", true);
        echo_client kept(at, "bench.kept", true);
        std::printf("%d hosts with 2 workers each\n", hosts);
        for (const auto& [size, rounds] :
             {std::pair(1024, 1000), std::pair(16 << 10, 500), std::pair(256 << 10, 200),
              std::pair(1 << 20, 60), std::pair(16 << 20, 9)})
            compare(pool, bare, static_cast<std::size_t>(size), rounds);
        account(pool, bare, kept);
        throughput(pool, bare, 20000);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bench_cluster: %s\n", e.what());
        code = 1;
    }
    for (const pid_t c : children)
        ::kill(c, SIGTERM);
    for (const pid_t c : children)
        ::waitpid(c, nullptr, 0);
    return code;
}
