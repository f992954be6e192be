// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The examples with other machines in the comments of the headers; see examples.cpp. They are
// compiled; running them takes a broker.
#include <ferry/cluster.hpp>

#include <chrono>
#include <string_view>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

int count_primes(int below) {
    int count = 0;
    for (int n = 2; n < below; ++n) {
        int d = 2;
        while (n % d != 0)
            ++d;
        count += d == n ? 1 : 0;
    }
    return count;
}

namespace {

int pool_example() {
    // [cluster_pool]
    ferry::cluster_pool pool({.url = "amqps://ferry@broker.example/work",
                              .password_file = "/etc/thumbs/password",
                              .application = "thumbs"});
    ferry::future<int> primes = pool.submit(count_primes, 1000);
    // [end]
    return primes.result();
}

void allow_example() {
    // [allow_remote]
    ferry::allow_remote<count_primes>();
    // [end]
}

int serve_example(int argc, char** argv) {
    const ferry::cluster_options at{.url = "amqps://ferry@broker.example/work",
                                    .application = "thumbs"};
    // [serve_cluster_worker]
    if (argc > 1 && argv[1] == "serve"sv)
        return ferry::serve_cluster_worker(at, {.processes = {.max_workers = 8}, .drain = 30s});
    // [end]
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    allow_example();
    return argc > 2 ? pool_example() : serve_example(argc, argv);
}
