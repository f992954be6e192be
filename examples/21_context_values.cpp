// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A request's number follows the work through coroutines and pools; so does the span of a tracer.
// Python: `contextvars`, which `asyncio.to_thread` passes on.
#include <ferry/ferry.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;

namespace {

ferry::context_value<std::string> request_id;

// A tracer of a few lines. That of OpenTelemetry has a context for each thread too: its capture is
// `RuntimeContext::GetCurrent()`, and its activation holds the token of `RuntimeContext::Attach`.
thread_local std::string current_span;

struct span {
    explicit span(const std::string& name)
        : outer(std::exchange(current_span, current_span + '/' + name)) {}
    ~span() { current_span = outer; }
    const std::string outer;
};

ferry::context_activation capture_span() {
    return [captured = current_span] {
        struct activation {
            std::string outer;
            ~activation() { current_span = outer; }
        };
        return std::make_shared<activation>(std::exchange(current_span, captured));
    };
}

std::string query() {
    const span s("query");
    return *request_id.get() + current_span;
}

asio::awaitable<void> handle(ferry::thread_pool& pool) {
    std::vector<asio::awaitable<std::string>> queries;
    for (int i = 0; i < 2; ++i)
        queries.push_back(ferry::run_in_executor(pool, query));
    for (const std::string& seen : co_await ferry::gather(std::move(queries)))
        std::cout << "a worker sees " << seen << '\n';
}

} // namespace

int main() {
    ferry::set_context_hook(capture_span);
    ferry::thread_pool pool(2);
    const span s("checkout");
    ferry::run(request_id.with("r-17", handle(pool)));
    std::cout << "here it is " << (request_id.get() != nullptr ? "set" : "not set") << '\n';
}
