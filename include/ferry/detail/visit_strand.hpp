// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <type_traits>

namespace ferry::detail {

/// Calls `f(strand)` if the executor is a strand over one of Asio's usual executors, or over one of
/// `More`. Returns whether it is.
template <class... More, class F>
bool visit_strand(const boost::asio::any_io_executor& ex, F f) {
    namespace asio = boost::asio;
    const auto visit = [&]<class Inner>(std::type_identity<Inner>) {
        const auto* const s = ex.target<asio::strand<Inner>>();
        if (s != nullptr)
            f(*s);
        return s != nullptr;
    };
    return visit(std::type_identity<asio::any_io_executor>()) ||
           visit(std::type_identity<asio::io_context::executor_type>()) ||
           visit(std::type_identity<asio::thread_pool::executor_type>()) ||
           (visit(std::type_identity<More>()) || ...);
}

} // namespace ferry::detail
