// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The contenders with one interface. Each has two workers, whatever the machine, if nothing else is
// said.
#pragma once

#include <ferry/ferry.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <cstddef>
#include <future>
#include <utility>

#if defined(BENCH_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#endif

inline constexpr std::size_t workers = 2;

struct ferry_pool {
    using future = ferry::future<int>;
    ferry::thread_pool pool;

    explicit ferry_pool(std::size_t n = workers) : pool(n) {}
    explicit ferry_pool(ferry::thread_pool_options options) : pool(std::move(options)) {}

    future submit(int n) {
        return pool.submit([n] { return n; });
    }
    template <class F>
    void post(F&& f) {
        boost::asio::post(pool, std::forward<F>(f));
    }
    static int get(future& f) { return f.result(); }
};

struct asio_pool {
    using future = std::future<int>;
    boost::asio::thread_pool pool;

    explicit asio_pool(std::size_t n = workers) : pool(n) {}

    future submit(int n) {
        return boost::asio::post(pool, boost::asio::use_future([n] { return n; }));
    }
    template <class F>
    void post(F&& f) {
        boost::asio::post(pool, std::forward<F>(f));
    }
    static int get(future& f) { return f.get(); }
};

/// A thread for each task.
struct std_async {
    using future = std::future<int>;

    static future submit(int n) {
        return std::async(std::launch::async, [n] { return n; });
    }
    static int get(future& f) { return f.get(); }
};

#if defined(BENCH_TBB)

/// oneTBB has no futures: a promise in the task.
class tbb_pool {
public:
    using future = std::future<int>;

    future submit(int n) {
        task t{{}, n};
        future f = t.promise.get_future();
        arena_.enqueue(std::move(t));
        return f;
    }
    /// `f` must be callable as a constant.
    template <class F>
    void post(F&& f) {
        arena_.enqueue(std::forward<F>(f));
    }
    static int get(future& f) { return f.get(); }

private:
    struct task {
        mutable std::promise<int> promise;
        int n;
        void operator()() const { promise.set_value(n); }
    };

    // Without it there is one worker on two processors: one is the calling thread's.
    oneapi::tbb::global_control limit_{oneapi::tbb::global_control::max_allowed_parallelism,
                                       workers + 1};
    oneapi::tbb::task_arena arena_{static_cast<int>(workers), 0};
};

#endif
