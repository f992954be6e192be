// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The end of the pool that an io_context has by default, with the context.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/tracked.hpp"

#define BOOST_TEST_MODULE default_pool_end
#include <boost/test/unit_test.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using namespace ferry;

namespace {

/// Opens a gate when it is destroyed.
struct opener {
    explicit opener(gate& g) : at(&g) {}
    opener(opener&& o) noexcept : at(std::exchange(o.at, nullptr)) {}
    ~opener() {
        if (at != nullptr)
            at->open();
    }
    gate* at;
};

template <class Call>
asio::awaitable<void> offload(Call call, std::shared_ptr<ledger> l, std::optional<opener> last) {
    const tracked here(std::move(l));
    const auto keep = std::move(last);
    co_await to_thread(std::move(call));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_default_pool_is_joined_after_the_handlers_are_gone) { // CF-ASY-27
    const auto awaiters = std::make_shared<ledger>(), calls = std::make_shared<ledger>();
    gate started, go;
    std::atomic<bool> finished{false};
    {
        asio::io_context io;
        const auto call = [&, t = tracked(calls)] {
            started.open();
            go.pass(); // opened by the destruction of the coroutine
            finished = true;
        };
        asio::co_spawn(io, offload(call, awaiters, opener(go)), asio::detached);
        io.poll();
        started.pass();
    }
    BOOST_TEST(finished);
    BOOST_TEST(awaiters->balanced());
    BOOST_TEST(calls->balanced());
}

BOOST_AUTO_TEST_CASE(calls_queued_in_the_default_pool_never_run) { // CF-CAN-02
    const auto awaiters = std::make_shared<ledger>(), calls = std::make_shared<ledger>();
    gate go;
    std::atomic<int> runs{0};
    std::size_t workers = 0;
    {
        asio::io_context io;
        workers = default_executor(io).max_workers();
        const auto call = [&, t = tracked(calls)] {
            ++runs;
            go.pass();
        };
        for (std::size_t i = 0; i < workers + 10; ++i)
            asio::co_spawn(io, offload(call, awaiters, {}), asio::detached);
        io.poll();
        while (default_executor(io).stats().running != workers)
            std::this_thread::yield();
        asio::co_spawn(io, offload(call, awaiters, opener(go)), asio::detached);
        io.poll();
    }
    BOOST_TEST(static_cast<std::size_t>(runs) == workers);
    BOOST_TEST(awaiters->balanced());
    BOOST_TEST(calls->balanced());
}
