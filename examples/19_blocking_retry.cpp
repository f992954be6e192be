// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A blocking call that is tried again inside its task: what is worth another attempt, with longer
// and longer pauses, until the pool asks it to stop. Python: a loop with `time.sleep`.
#include <ferry/ferry.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <latch>
#include <stdexcept>
#include <stop_token>
#include <string>

using namespace std::chrono_literals;

namespace {

struct not_found : std::runtime_error {
    using runtime_error::runtime_error;
};

/// A server that answers the third time.
class server {
public:
    std::string get(const std::string& page) {
        std::cout << "attempt " << ++attempts_ << '\n';
        if (page == "/gone")
            throw not_found("404");
        if (attempts_ < 3)
            throw std::runtime_error("503");
        return "contents of " + page;
    }

private:
    int attempts_ = 0;
};

bool is_worth_it(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const not_found&) {
        return false;
    } catch (...) {
        return true;
    }
}

std::string fetch(const std::string& page) {
    const ferry::retry_policy policy{
        .max_attempts = 5, .base_delay = 1ms, .jitter = 0.5, .retry_on = is_worth_it};
    server s;
    return ferry::retry(policy, [&] { return s.get(page); });
}

} // namespace

int main() {
    ferry::thread_pool pool(2);
    std::cout << pool.submit(fetch, "/index").result() << '\n';
    try {
        pool.submit(fetch, "/gone").result();
    } catch (const not_found& e) {
        std::cout << e.what() << ", not tried again\n";
    }

    // A stop token as the first argument ends the pause, however long it is.
    std::latch failed(1);
    const auto connect = [&failed](std::stop_token) {
        failed.count_down();
        throw std::runtime_error("refused");
    };
    const ferry::future<void> f = pool.submit([&connect](std::stop_token stop) {
        ferry::retry({.max_attempts = 2, .base_delay = 1h, .max_delay = 1h}, connect, stop);
    });
    failed.wait();
    f.request_stop();
    try {
        f.result();
    } catch (const ferry::cancelled_error&) {
        std::cout << "the pause of an hour was cut short\n";
    }
}
