// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Everything that a future can be asked, before its task has started, while it runs, and after.
// Python: `concurrent.futures.Future`, member by member.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <latch>
#include <utility>

using namespace std::chrono_literals;

namespace {

void state_of(const char* name, const ferry::future<int>& f) {
    std::cout << name << ": done " << f.done() << ", running " << f.running() << ", cancelled "
              << f.cancelled() << ", " << f << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    std::latch started(1), go_on(1);
    ferry::thread_pool pool(1); // one thread, so that the second task has to wait

    ferry::future<int> first = pool.submit([&] {
        started.count_down();
        go_on.wait();
        return 42;
    });
    ferry::future<int> second = pool.submit({.label = "second"}, [] { return 0; });
    first.add_done_callback([](ferry::future<int> f) { // in the thread that completes it
        std::cout << "callback: " << f << '\n';
    });

    started.wait();
    state_of("first", first);   // running
    state_of("second", second); // pending
    std::cout << "cancel: first " << first.cancel() << ", second " << second.cancel() << '\n';
    std::cout << "request_stop: " << first.request_stop() << '\n'; // it takes no stop token
    std::cout << "within 1 ms: " << first.wait_for(1ms) << '\n';
    try {
        first.result(1ms);
    } catch (const ferry::timeout_error&) { // who waits gives up; the task goes on
        std::cout << "result(1ms): timeout_error\n";
    }

    go_on.count_down();
    first.wait();
    pool.shutdown(); // when it returns the callbacks have run
    state_of("first", first);
    state_of("second", second);
    std::cout << "exception: " << (first.exception() ? "one" : "none") << '\n';
    std::cout << "result: " << first.result() << '\n'; // a reference; may be asked again
    try {
        second.result();
    } catch (const ferry::cancelled_error& e) {
        std::cout << e.what() << '\n';
    }

    const ferry::future<int> copy = first;                      // the same result
    const int answer = std::move(first).result();               // moved out, once
    std::cout << answer << "; valid " << first.valid() << '\n'; // the handle is empty now
    try {
        copy.result();
    } catch (const ferry::invalid_state_error& e) {
        std::cout << e.what() << '\n';
    }
}
