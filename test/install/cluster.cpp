// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/cluster.hpp>

#include <stdexcept>
#include <string>

int main() {
    ferry::run_worker_if_spawned();
    try { // which a program without a broker can tell
        ferry::cluster_pool pool({.url = "amqp://broker.example", .application = "consumer"});
    } catch (const std::invalid_argument& e) {
        return std::string(e.what()).find("allow_plaintext") != std::string::npos ? 0 : 1;
    }
    return 1;
}
