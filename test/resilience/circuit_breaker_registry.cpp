// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/circuit_breaker.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE circuit_breaker_registry
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(each_key_has_a_breaker_of_its_own) {
    circuit_breaker_registry registry({.threshold = 1, .reset_timeout = 1h});
    const auto a = registry.get("a");
    BOOST_TEST(registry.get(std::string("a")) == a);
    BOOST_TEST(registry.get("b") != a);
    BOOST_TEST(registry.size() == 2u);
    BOOST_CHECK_THROW(a->call([] { throw std::runtime_error("x"); }), std::runtime_error);
    BOOST_TEST(registry.get("a")->state() == circuit_state::open);
    BOOST_TEST(registry.get("b")->state() == circuit_state::closed);
    BOOST_TEST(registry.erase("a"));
    BOOST_TEST(!registry.erase("a"));
    BOOST_TEST(a->state() == circuit_state::open); // the handle keeps it
    BOOST_TEST(registry.get("a")->state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(threads_get_the_same_breaker_for_the_same_key) {
    circuit_breaker_registry registry;
    constexpr std::size_t threads = 8;
    std::vector<std::vector<std::shared_ptr<circuit_breaker>>> seen(threads);
    gate go;
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            go.pass();
            for (int key = 0; key < 50; ++key)
                seen[t].push_back(registry.get(std::to_string(key)));
        });
    }
    go.open();
    for (auto& t : all)
        t.join();
    for (const auto& each : seen)
        BOOST_TEST((each == seen[0]));
    BOOST_TEST(registry.size() == 50u);
}
