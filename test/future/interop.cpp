// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Ferry beside other futures and executors. interop_other.cpp includes the same the other way
// round.
#include <future>

#include <boost/thread/future.hpp>

#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE interop
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <vector>

int other_unit(ferry::future<int> f);

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// An executor of the user's own: counts, and passes on to the threads of a pool of Asio's.
class counting_executor {
public:
    counting_executor(asio::thread_pool& pool, std::atomic<int>& n) : pool_(&pool), n_(&n) {}

    asio::thread_pool& query(asio::execution::context_t) const noexcept { return *pool_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
        return asio::execution::blocking.never;
    }
    template <class F>
    void execute(F f) const {
        ++*n_;
        asio::post(*pool_, std::move(f));
    }
    friend bool operator==(const counting_executor&, const counting_executor&) = default;

private:
    asio::thread_pool* pool_;
    std::atomic<int>* n_;
};

/// Counts what it has given and not got back, and how often it gave.
struct ledger {
    std::atomic<long> open = 0, given = 0;
};
template <class T>
struct counting_allocator {
    using value_type = T;
    explicit counting_allocator(ledger& l) : book(&l) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& o) : book(o.book) {}
    T* allocate(std::size_t n) {
        book->open += static_cast<long>(n * sizeof(T));
        ++book->given;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        book->open -= static_cast<long>(n * sizeof(T));
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
    ledger* book;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_executor_of_the_users_own_takes_part) { // CF-IOP-03
    asio::thread_pool threads(1);
    std::atomic<int> n{0};
    const counting_executor ex(threads, n);
    const std::vector<ferry::future<int>> some{ferry::submit(ex, [] { return 1; }),
                                               ferry::submit(ex, [] { return 2; })};
    int sum = 0;
    for (auto f : ferry::as_completed(some))
        sum += f.result();
    BOOST_TEST(ferry::wait(some).done.size() == 2u);
    sum += ferry::run(ferry::run_in_executor(ex, [](int k) { return k; }, 4));
    sum += ferry::async_invoke(ex, [] { return 8; }, ferry::use_future).result();
    BOOST_TEST(sum == 15);
    BOOST_TEST(n >= 4);
    threads.join();
}

BOOST_AUTO_TEST_CASE(a_future_becomes_one_of_the_standard_library) { // CF-IOP-04
    ferry::promise<int> p, q;
    std::future<int> value = p.get_future().async_result(asio::use_future);
    std::future<int> failure = q.get_future().async_result(asio::use_future);
    BOOST_TEST((value.wait_for(0s) == std::future_status::timeout));
    p.set_value(5);
    q.set_exception(std::make_exception_ptr(std::out_of_range("six")));
    BOOST_TEST(value.get() == 5);
    BOOST_CHECK_THROW(failure.get(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_future_of_the_standard_library_becomes_one) { // CF-IOP-04
    ferry::thread_pool pool(2);
    std::promise<int> p, q;
    const auto get = [](std::future<int> f) { return f.get(); };
    auto value = pool.submit(get, p.get_future());
    auto failure = pool.submit(get, q.get_future());
    BOOST_CHECK_THROW(value.result(1ms), ferry::timeout_error);
    p.set_value(5);
    q.set_exception(std::make_exception_ptr(std::out_of_range("six")));
    BOOST_TEST(value.result() == 5);
    BOOST_CHECK_THROW(failure.result(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(several_units_and_other_futures_go_together) { // CF-IOP-08
    ferry::promise<int> p;
    p.set_value(1);
    BOOST_TEST(other_unit(p.get_future()) == 3);
}

BOOST_AUTO_TEST_CASE(a_handlers_allocator_gets_back_all_that_it_gave) { // CF-TP-21
    ledger book;
    int got = 0;
    {
        ferry::thread_pool pool(1);
        asio::io_context io;
        for (int i = 0; i < 10; ++i)
            ferry::async_invoke(
                pool, [] { return 1; },
                asio::bind_executor(
                    io, asio::bind_allocator(counting_allocator<char>(book),
                                             [&](std::exception_ptr, int n) { got += n; })));
        BOOST_TEST(book.open > 0);
        io.run();
    }
    BOOST_TEST(got == 10);
    BOOST_TEST(book.given >= 10);
    BOOST_TEST(book.open == 0);
}
