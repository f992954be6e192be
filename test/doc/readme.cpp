// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The code of the README, as it stands there.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE readme
#include <boost/test/unit_test.hpp>

#include <iostream>
#include <sstream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct config {
    std::string text;
};
struct page {
    std::string title;
};
std::string read_file(const std::string& path) { return "contents of " + path; }
config parse(std::string text) { return {std::move(text)}; }
asio::awaitable<std::string> query(const config& c, std::string what) { co_return c.text + what; }
asio::awaitable<void> store(std::string a, std::string b) {
    const auto both = [a, b] { return a + b; };
    co_await ferry::to_thread(both);
}
int square(int n) { return n * n; }

asio::awaitable<void> serve(ferry::thread_pool& pool, std::string path) {
    std::string text = co_await ferry::to_thread(read_file, path); // default pool of the context
    config c = co_await ferry::run_in_executor(pool, parse, std::move(text)); // a pool of your own
    auto [a, b] = co_await ferry::gather(query(c, "a"), query(c, "b"));       // at the same time
    co_await ferry::wait_for(store(a, b), 2s);                                // or timeout_error
    BOOST_TEST(b == "contents of fileb");
}

asio::awaitable<config> name_it_first(std::string text) {
    auto parse_it = [text] { return parse(text); };
    config c = co_await ferry::to_thread(parse_it); // not: to_thread([text] { ... })
    co_return c;
}

/// Standard output, caught.
struct caught_output {
    std::ostringstream text;
    std::streambuf* const before = std::cout.rdbuf(text.rdbuf());
    ~caught_output() { std::cout.rdbuf(before); }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_coroutine_of_the_readme_works) {
    ferry::thread_pool pool(1);
    ferry::run(serve(pool, "file"));
}

BOOST_AUTO_TEST_CASE(a_named_lambda_keeps_its_captures) {
    BOOST_TEST(ferry::run(name_it_first("text")).text == "text");
}

BOOST_AUTO_TEST_CASE(the_pool_of_the_readme_works) {
    std::string said;
    {
        caught_output out;
        {
            std::vector<ferry::future<page>> pages;

            ferry::thread_pool pool(4);
            ferry::future<int> f = pool.submit([](int a, int b) { return a * b; }, 6, 7);
            f.wait();
            f.add_done_callback([](ferry::future<int> done) { std::cout << done << '\n'; });
            pages.push_back(pool.submit([] { return page{"title"}; }));

            for (int n : pool.map(square, std::vector{1, 2, 3})) // in the order of the input
                std::cout << n << '\n';
            for (ferry::future<page> p :
                 ferry::as_completed(pages, 10s)) // in the order of completion
                std::cout << p.result().title << '\n';
        }
        said = out.text.str();
    }
    BOOST_TEST(said == "<future finished: returned int>\n1\n4\n9\ntitle\n");
}
