// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "broker.hpp"
#include "process_helpers.hpp"

#include <ferry/process/run_worker_if_spawned.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Tests with a broker: this program is also the worker host, when the environment says so.

/// The broker that the tests of a program share, started with the first of them; null where none is
/// installed.
inline test_broker* shared_broker() {
    static const std::unique_ptr<test_broker> broker =
        test_broker::is_installed() ? std::make_unique<test_broker>() : nullptr;
    return broker.get();
}

/// Options for that broker with an application that no other test has.
inline ferry::cluster_options own_application() {
    static int count = 0;
    ferry::cluster_options o = shared_broker()->options();
    o.application = "test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    return o;
}

/// Notes in a file that it was called, and how often that was.
inline void note(const std::string& path) {
    std::ofstream(path, std::ios::app) << "x\n" << std::flush;
}
inline std::size_t notes(const std::string& path) { return lines_of(path).size(); }

inline int twice(int x) { return 2 * x; }
/// Notes that it runs, and waits for a file.
inline int note_and_wait(const std::string& path, const std::string& until) {
    note(path);
    static_cast<void>(when_touched(until));
    return 1;
}

/// Leaves out a test where there is no broker, and says so.
struct needs_broker {
    boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const {
        boost::test_tools::assertion_result r(test_broker::is_installed());
        r.message() << "rabbitmq-server is not installed";
        return r;
    }
};

/// A worker host in a process of its own.
class test_host {
public:
    explicit test_host(const ferry::cluster_options& o, std::size_t workers = 2,
                       std::vector<std::string> more = {},
                       const std::string& program = "/proc/self/exe")
        : process_({program}, settings(o, workers, std::move(more))) {}

    test_process& process() noexcept { return process_; }
    int pid() const noexcept { return process_.pid(); }

    /// In `main`: serves if this process is to be a host. Its exit code, or -1.
    static int serve_if_asked() {
        const char* const url = std::getenv("FERRY_TEST_SERVE");
        if (url == nullptr)
            return -1;
        const auto number = [](const char* name) { return std::atol(std::getenv(name)); };
        ferry::cluster_options o;
        o.url = url;
        o.password = [] { return std::string("secret"); };
        o.application = std::getenv("FERRY_TEST_APPLICATION");
        o.ca_file = std::getenv("FERRY_TEST_CA");
        o.durable = number("FERRY_TEST_DURABLE") != 0;
        o.broker_queue_limit = static_cast<std::size_t>(number("FERRY_TEST_LIMIT"));
        o.max_message = static_cast<std::size_t>(number("FERRY_TEST_MESSAGE"));
        o.heartbeat = std::chrono::milliseconds(number("FERRY_TEST_BEAT"));
        o.match = static_cast<ferry::cluster_match>(number("FERRY_TEST_MATCH"));
        ferry::cluster_worker_options w;
        w.processes.max_workers = static_cast<std::size_t>(number("FERRY_TEST_WORKERS"));
        w.processes.kill_grace = std::chrono::milliseconds(200);
        if (const char* const drain = std::getenv("FERRY_TEST_DRAIN"))
            w.drain = std::chrono::milliseconds(std::atol(drain));
        if (const char* const run = std::getenv("FERRY_TEST_MAX_RUN"))
            w.max_run = std::chrono::milliseconds(std::atol(run));
        return ferry::serve_cluster_worker(o, w);
    }

private:
    static std::vector<std::string> settings(const ferry::cluster_options& o, std::size_t workers,
                                             std::vector<std::string> all) {
        const auto beat =
            std::chrono::duration_cast<std::chrono::milliseconds>(*o.heartbeat.limit());
        for (const auto& s :
             {"FERRY_TEST_SERVE=" + o.url, "FERRY_TEST_APPLICATION=" + o.application,
              "FERRY_TEST_CA=" + o.ca_file.string(),
              "FERRY_TEST_DURABLE=" + std::to_string(o.durable),
              "FERRY_TEST_LIMIT=" + std::to_string(o.broker_queue_limit),
              "FERRY_TEST_MESSAGE=" + std::to_string(o.max_message),
              "FERRY_TEST_BEAT=" + std::to_string(beat.count()),
              "FERRY_TEST_MATCH=" + std::to_string(static_cast<int>(o.match)),
              "FERRY_TEST_WORKERS=" + std::to_string(workers)})
            all.push_back(s);
        return all;
    }

    test_process process_;
};

/// The main function of a program of tests, whose workers and hosts may call `Allowed`.
template <auto... Allowed>
int run_cluster_tests(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    (ferry::allow_remote<Allowed>(), ...);
    if (const int code = test_host::serve_if_asked(); code >= 0)
        return code;
    return boost::unit_test::unit_test_main(init_unit_test, argc, argv);
}
