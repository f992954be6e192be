// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The examples in the comments of the headers about seeing inside; see examples.cpp.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE inside
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <sstream>

#include <unistd.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

thread_local int span = 0;

int current_span() { return span; }
std::shared_ptr<void> activate(int s) {
    span = s;
    return {nullptr, [](void*) { span = 0; }};
}

std::string served;
asio::awaitable<void> serve(int socket, const ferry::context_value<std::string>& id) {
    served = std::to_string(socket) + " for " + *id.get();
    co_return;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_loop_is_watched) {
    asio::io_context context;
    int ran = 0;
    asio::post(context, [&] { ++ran; });
    // [loop_watch]
    ferry::loop_watch watch(context, {.limit = 100ms});
    context.run();
    // [end]
    BOOST_TEST(ran == 1);
}

BOOST_AUTO_TEST_CASE(a_value_follows_a_coroutine) {
    const int socket = 3;
    const auto main = [&]() -> asio::awaitable<void> {
        // [context_value]
        ferry::context_value<std::string> id;
        co_await id.with("r-17", serve(socket, id)); // all that serve() starts sees it
        // [end]
    };
    ferry::run(main());
    BOOST_TEST(served == "3 for r-17");
}

BOOST_AUTO_TEST_CASE(a_hook_carries_a_span) {
    // [set_context_hook]
    ferry::set_context_hook([]() -> ferry::context_activation {
        return [span = current_span()] { return activate(span); };
    });
    // [end]
    ferry::thread_pool pool(1);
    span = 5;
    BOOST_TEST(pool.submit(current_span).result() == 5);
    ferry::set_context_hook({});
}

BOOST_AUTO_TEST_CASE(metrics_are_written) {
    ferry::thread_pool pool({.max_workers = 1, .name = "disk"});
    // [write_metrics]
    std::ostringstream body;
    ferry::write_metrics(body); // the answer to GET /metrics
    // [end]
    BOOST_TEST(body.str().find("ferry_pool_max_workers{pool=\"disk\"} 1\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_trace_is_dumped) {
    char name[] = "/tmp/ferry_doc_XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name) != nullptr);
    const std::filesystem::path directory = name;
    ferry::thread_pool pool(1);
    // [dump_trace]
    ferry::dump_trace(directory / "trace.json"); // open it in ui.perfetto.dev
    // [end]
    BOOST_TEST(std::filesystem::file_size(directory / "trace.json") > 0);
    std::filesystem::remove_all(directory);
}
