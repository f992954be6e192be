// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Must not compile with CASE defined as the number of a case, and must compile without. CF-SUB-12
#include <ferry/ferry.hpp>

#include <string>

boost::asio::awaitable<int> coroutine() {
    co_return 1;
}
const std::string& same(const std::string& s) {
    return s;
}
int count(int& n) {
    return ++n;
}

int use(ferry::thread_pool& pool) {
    int n = 0;
#if CASE == 1 // expect: not_a_coroutine__await_it_instead
    pool.submit(coroutine);
#elif CASE == 2 // expect: no_reference_to_an_argument__return_a_value
    pool.submit(same, std::string("text"));
#elif CASE == 3 // expect: call_with_copies_of_these_arguments
    pool.submit(count, n);
#elif CASE == 4 // expect: call_with_copies_of_these_arguments
    static_cast<void>(ferry::to_thread(count, std::string("text")));
#else
    static_cast<void>(ferry::to_thread(count, std::ref(n)));
#endif
    return pool.submit(count, std::ref(n)).result();
}
