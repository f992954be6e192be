// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Errors by class, by code and by condition.
#include <ferry/ferry.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

/// What a caller that knows nothing of the details would do.
std::string advice(const boost::system::error_code& code) {
    if (code == ferry::condition::cancelled)
        return "nothing: somebody wanted it so";
    if (code == ferry::condition::timed_out)
        return "try again if it may run twice";
    if (code == ferry::condition::rejected)
        return "try again later: it did not start";
    if (code == ferry::condition::broken)
        return "make a new pool, or report it";
    return "look at the code";
}

template <class Call>
void show(Call call) {
    try {
        call();
    } catch (const boost::system::system_error& e) { // each exception of Ferry is one
        std::cout << e.what() << " -> " << advice(e.code()) << '\n';
    }
}

} // namespace

int main() {
    show([] {
        ferry::promise<int> never;
        static_cast<void>(never.get_future().result(1ms));
    });
    show([] {
        ferry::promise<int> p;
        const ferry::future<int> f = p.get_future();
        f.cancel();
        f.result();
    });
    show([] {
        ferry::thread_pool pool(1);
        pool.shutdown();
        pool.submit([] {});
    });
    show([] {
        ferry::future<int> f;
        {
            ferry::promise<int> p;
            f = p.get_future();
        }
        f.result();
    });
    show([] { ferry::future<int>().result(); });
}
