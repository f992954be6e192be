// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE resolve
#define BOOST_TEST_NO_MAIN
#include "helpers/worker_main.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <set>
#include <string>

namespace asio = boost::asio;
using results = asio::ip::tcp::resolver::results_type;
using namespace std::chrono_literals;

namespace {

results resolved(const std::string& host, const std::string& service, ferry::timeout limit = 2min) {
    return ferry::run(ferry::resolve(host, service, limit));
}

} // namespace

BOOST_AUTO_TEST_CASE(addresses_give_what_asio_s_resolver_gives) {
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    for (const char* const host : {"127.0.0.1", "::1", "localhost"}) {
        const auto expected = resolver.resolve(host, "80");
        const auto got = resolved(host, "80");
        std::set<asio::ip::tcp::endpoint> want;
        std::set<asio::ip::tcp::endpoint> have;
        for (const auto& e : expected)
            want.insert(e.endpoint());
        for (const auto& e : got) {
            have.insert(e.endpoint());
            BOOST_TEST(e.host_name() == expected.begin()->host_name());
            BOOST_TEST(e.service_name() == "80");
        }
        BOOST_TEST((have == want));
        BOOST_TEST(!got.empty());
    }
}

BOOST_AUTO_TEST_CASE(errors_are_those_of_asio_s_resolver) {
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    const std::string too_long(300, 'a');
    const std::pair<const char*, const char*> cases[] = {{"127.0.0.1", "no-such-service"},
                                                         {too_long.c_str(), "80"}};
    for (const auto& [host, service] : cases) {
        boost::system::error_code expected;
        resolver.resolve(host, service, expected);
        BOOST_REQUIRE(expected.failed());
        BOOST_CHECK_EXCEPTION(resolved(host, service), boost::system::system_error,
                              [&](const auto& e) { return e.code() == expected; });
    }
}

BOOST_AUTO_TEST_CASE(the_time_runs_from_the_call) {
    auto late = ferry::resolve("127.0.0.1", "80", 0s);
    BOOST_CHECK_THROW(ferry::run(std::move(late)), ferry::timeout_error);
}
