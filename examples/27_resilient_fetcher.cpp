// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A fetcher that survives bad servers: each host has a circuit of its own. The third failure in a
// row opens the circuit of that host, and its next call is skipped; other hosts go on. Python: a
// dictionary of counters, made by hand.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

class resilient_fetcher {
public:
    /// Fetches a page, in the calling thread. Throws `circuit_open_error` without asking a host
    /// whose circuit is open.
    std::string fetch(const std::string& host, const std::string& page) {
        const auto circuit = circuits_.get(host);
        return circuit->call([&] { return download(host, page); });
    }

private:
    static std::string download(const std::string& host, const std::string& page) {
        std::cout << "asking " << host << '\n';
        if (host == "bad.example")
            throw std::runtime_error("503 from " + host);
        return "contents of " + host + page;
    }

    ferry::circuit_breaker_registry circuits_{{.threshold = 3, .reset_timeout = 1min}};
};

} // namespace

int main() {
    resilient_fetcher fetcher;
    ferry::thread_pool pool(1); // one thread, so that the lines come in order
    const auto fetch = [&fetcher](const std::string& host) { return fetcher.fetch(host, "/"); };

    for (const char* host :
         {"bad.example", "bad.example", "bad.example", "bad.example", "good.example"}) {
        try {
            std::cout << pool.submit(fetch, host).result() << '\n';
        } catch (const ferry::circuit_open_error& e) {
            std::cout << "skipped " << host << ": " << (e.retry_after() <= 1min ? "open" : "?")
                      << '\n';
        } catch (const std::runtime_error& e) {
            std::cout << e.what() << '\n';
        }
    }
}
