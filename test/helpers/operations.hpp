// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "gate.hpp"

#include <ferry/as_completed.hpp>
#include <ferry/future.hpp>
#include <ferry/promise.hpp>
#include <ferry/run_in_executor.hpp>
#include <ferry/thread_pool.hpp>
#include <ferry/wait.hpp>

#include <boost/asio/error.hpp>
#include <boost/mpl/list.hpp>

#include <exception>
#include <optional>
#include <utility>
#include <vector>

// The initiating functions of the bridge: each starts with any token and completes with 7 after
// `finish`.

struct invoke_operation {
    template <class Token>
    auto start(Token&& token) {
        const auto call = [this] {
            started.open();
            go.pass();
            return 7;
        };
        return ferry::async_invoke(pool, call, std::forward<Token>(token));
    }
    void until_running() { started.pass(); }
    void finish() { go.open(); }

    gate started, go;
    ferry::thread_pool pool{2};
};
struct promised {
    void until_running() {}
    void finish() { p.set_value(7); }
    ferry::promise<int> p;
    ferry::future<int> f = p.get_future();
};
struct wait_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return f.async_wait(std::forward<Token>(token));
    }
};
struct result_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return f.async_result(std::forward<Token>(token));
    }
};
struct next_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return ferry::as_completed(std::vector{f}).async_next(std::forward<Token>(token));
    }
};
struct wait_all_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return ferry::async_wait(std::vector{f}, {}, std::forward<Token>(token));
    }
};
using operations = boost::mpl::list<invoke_operation, wait_operation, result_operation,
                                    next_operation, wait_all_operation>;

// What a handler was given.

inline bool failed(const boost::system::error_code& e) { return e.failed(); }
inline bool failed(const std::exception_ptr& e) { return e != nullptr; }
inline bool aborted(const boost::system::error_code& e) {
    return e == boost::asio::error::operation_aborted;
}
inline bool aborted(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const ferry::cancelled_error&) {
        return true;
    }
}
inline int value() { return 7; }
inline int value(int n) { return n; }
inline int value(const std::optional<ferry::future<int>>& f) { return f->result(); }
inline int value(const ferry::wait_result<int>& r) { return r.done.at(0).result(); }

/// Collects what comes; a handler that calls it can be of any signature.
struct collector {
    auto handler() {
        return [this](const auto& error, const auto&... v) {
            ++calls;
            error_given = failed(error);
            if (error_given)
                was_aborted = aborted(error);
            else
                given = value(v...);
        };
    }
    int calls = 0;
    int given = 0;
    bool error_given = false, was_aborted = false;
};
