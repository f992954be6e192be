// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The examples in the comments of the headers, as they stand there: each between `// [name]` and
// `// [end]`, which tools/check_docs.py compares.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE examples
#include <boost/test/unit_test.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string read_file(const std::string& path) { return "contents of " + path; }
std::string download(const std::string& url) { return "page at " + url; }
std::string stoppable_download(std::stop_token stop, const std::string& url) {
    return stop.stop_requested() ? "" : download(url);
}
void append(std::string& log, const std::string& line) { log += line + '\n'; }
int answer() { return 42; }

struct page {
    std::string text;
};
struct unreachable : std::runtime_error {
    unreachable() : runtime_error("unreachable") {}
};
bool connect(int& attempts) { return --attempts == 0; }

asio::awaitable<std::string> load_text(std::string path) { co_return read_file(path); }
asio::awaitable<std::string> load_user(int id) { co_return "user " + std::to_string(id); }
asio::awaitable<std::vector<int>> load_orders(int id) { co_return std::vector{id, id}; }
asio::awaitable<page> load_page(std::string path) { co_return page{std::move(path)}; }
asio::awaitable<void> commit(int& order) {
    ++order;
    co_return;
}
asio::awaitable<void> crawl(std::string url, std::vector<std::string>& pages) {
    pages.push_back(download(url));
    co_return;
}
asio::awaitable<int> ask() { co_return answer(); }

} // namespace

BOOST_AUTO_TEST_CASE(submit_returns_a_future) {
    // [thread_pool::submit]
    ferry::thread_pool pool({.max_workers = 4});
    ferry::future<std::string> text = pool.submit(read_file, "data.txt");
    std::string contents = text.result(); // rethrows an exception of read_file
    // [end]
    BOOST_TEST(contents == "contents of data.txt");
}

BOOST_AUTO_TEST_CASE(submit_through_a_strand_keeps_the_order) {
    ferry::thread_pool pool(2);
    std::string log;
    // [submit]
    auto strand = asio::make_strand(pool.get_executor());
    ferry::future<void> first = ferry::submit(strand, append, std::ref(log), "first");
    ferry::future<void> second = ferry::submit(strand, append, std::ref(log), "second");
    second.wait(); // "first" was appended before
    // [end]
    BOOST_TEST(log == "first\nsecond\n");
}

BOOST_AUTO_TEST_CASE(map_yields_results_in_the_order_of_the_input) {
    ferry::thread_pool pool(2);
    const std::vector<std::string> paths{"a", "bb", "ccc"};
    std::size_t total = 0;
    // [map]
    for (const std::string& text : pool.map({.buffersize = 8}, read_file, paths))
        total += text.size();
    // [end]
    BOOST_TEST(total == 3 * std::string("contents of ").size() + 6);
}

BOOST_AUTO_TEST_CASE(as_completed_yields_futures_as_they_finish) {
    ferry::thread_pool pool(2);
    const std::vector<ferry::future<int>> futures{pool.submit(answer), pool.submit(answer)};
    int sum = 0;
    // [as_completed]
    for (ferry::future<int> done : ferry::as_completed(futures, 10s)) // or timeout_error
        sum += done.result();
    // [end]
    BOOST_TEST(sum == 84);
}

BOOST_AUTO_TEST_CASE(many_callables_are_submitted_at_once) {
    ferry::thread_pool pool(2);
    std::size_t total = 0;
    // [submit_bulk]
    std::vector<std::function<int()>> calls(8, answer);
    for (const ferry::future<int>& f : pool.submit_bulk(calls))
        total += static_cast<std::size_t>(f.result());
    // [end]
    BOOST_TEST(total == 8 * 42u);
}

BOOST_AUTO_TEST_CASE(wait_separates_finished_futures_from_others) {
    ferry::thread_pool pool(2);
    const std::vector<ferry::future<int>> futures{pool.submit(answer), pool.submit(answer)};
    // [wait]
    auto [done, not_done] = ferry::wait(futures, {.timeout = 1s});
    for (const ferry::future<int>& late : not_done)
        late.cancel();
    // [end]
    BOOST_TEST(done.size() + not_done.size() == 2u);
}

BOOST_AUTO_TEST_CASE(coroutines_offload_blocking_calls) {
    ferry::thread_pool pool(2);
    std::string log;
    const auto main = [&]() -> asio::awaitable<std::string> {
        // [to_thread]
        std::string text = co_await ferry::to_thread(read_file, "data.txt");
        // [end]
        // [run_in_executor]
        std::string page = co_await ferry::run_in_executor(pool, download, "/index.html");
        // [end]
        // [run_in_executor_strand]
        auto strand = asio::make_strand(pool.get_executor()); // calls through it never overlap
        co_await ferry::run_in_executor(strand, append, std::ref(log), "downloaded");
        // [end]
        co_return text + ", " + page;
    };
    BOOST_TEST(ferry::run(main()) == "contents of data.txt, page at /index.html");
    BOOST_TEST(log == "downloaded\n");
}

BOOST_AUTO_TEST_CASE(async_invoke_takes_any_completion_token) {
    ferry::thread_pool pool(1);
    asio::io_context context;
    int total = 0;
    // [async_invoke]
    auto add = [&](std::exception_ptr error, int value) {
        if (!error)
            total += value;
    };
    ferry::async_invoke(pool, answer, asio::bind_executor(context, add));
    context.run(); // has work until the handler has run
    // [end]
    BOOST_TEST(total == 42);
}

BOOST_AUTO_TEST_CASE(coroutines_run_concurrently_in_a_structure) {
    int order = 0;
    std::vector<std::string> pages;
    const std::vector<std::string> urls{"/a", "/b"};
    const int id = 7;
    const auto main = [&]() -> asio::awaitable<void> {
        // [gather]
        auto [user, orders] = co_await ferry::gather(load_user(id), load_orders(id));
        // [end]
        BOOST_TEST(user == "user 7");
        BOOST_TEST(orders.size() == 2u);
        // [wait_for]
        page front = co_await ferry::wait_for(load_page("/"), 2s); // or timeout_error
        // [end]
        BOOST_TEST(front.text == "/");
        // [shield]
        co_await ferry::shield(commit(order)); // goes on even if this coroutine is cancelled
        // [end]
        BOOST_TEST(order == 1);
        // [with_task_group]
        auto crawl_all = [&](ferry::task_group& group) -> asio::awaitable<int> {
            for (const std::string& url : urls)
                group.spawn(crawl(url, pages));
            co_return 0; // the group ends when all members have ended
        };
        co_await ferry::with_task_group(crawl_all);
        // [end]
        BOOST_TEST(pages.size() == 2u);
    };
    ferry::run(main());
}

BOOST_AUTO_TEST_CASE(run_returns_the_value_of_a_coroutine) {
    // [run]
    std::string text = ferry::run(load_text("data.txt"));
    // [end]
    BOOST_TEST(text == "contents of data.txt");
}

BOOST_AUTO_TEST_CASE(operations_and_coroutines_return_futures) {
    asio::io_context context;
    // [use_future]
    asio::steady_timer timer(context, 10ms);
    ferry::future<void> rung = timer.async_wait(ferry::use_future);
    // [end]
    // [run_coroutine_threadsafe]
    ferry::future<int> answer = ferry::run_coroutine_threadsafe(context.get_executor(), ask());
    // [end]
    context.run();
    rung.result();
    BOOST_TEST(answer.result() == 42);
}

BOOST_AUTO_TEST_CASE(failing_calls_are_repeated) {
    ferry::thread_pool pool(1);
    const std::string url = "/";
    // [retry]
    auto text = pool.submit([url](std::stop_token stop) {
        return ferry::retry({.max_attempts = 5, .jitter = 0.5}, stoppable_download, stop, url);
    });
    // [end]
    BOOST_TEST(text.result() == "page at /");
    const auto main = [&]() -> asio::awaitable<std::string> {
        // [async_retry]
        ferry::retry_policy gently{.max_attempts = 5, .max_delay = 10s, .jitter = 0.5};
        std::string text = co_await ferry::async_retry(
            gently, [&] { return ferry::run_in_executor(pool, download, url); });
        // [end]
        co_return text;
    };
    BOOST_TEST(ferry::run(main()) == "page at /");
    int socket = 1;
    // [backoff]
    ferry::backoff pause({.max_attempts = 10, .jitter = 0.5});
    while (!connect(socket)) {
        const auto delay = pause.next();
        if (!delay)
            throw unreachable();
        std::this_thread::sleep_for(*delay);
    }
    // [end]
    BOOST_TEST(pause.failures() == 0u);
}

BOOST_AUTO_TEST_CASE(a_task_reports_its_progress) {
    ferry::thread_pool pool(1);
    // [report_progress]
    ferry::task_options options{.on_progress = [](const ferry::progress& p) {
        std::cout << p.note << ": " << p.done * 100 << " %\n";
    }};
    ferry::future<void> f = pool.submit(options, [] {
        for (int row = 1; row <= 1000; ++row)
            ferry::report_progress(row / 1000.0, "import");
    });
    // [end]
    f.result();
}

BOOST_AUTO_TEST_CASE(a_circuit_breaker_calls_a_function) {
    const std::string url = "/";
    // [circuit_breaker]
    ferry::circuit_breaker breaker({.threshold = 3, .reset_timeout = 10s});
    std::string text = breaker.call(download, url);
    // [end]
    BOOST_TEST(text == "page at /");
}
