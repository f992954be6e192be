// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/visit_strand.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <concepts>

namespace ferry::detail {

/// For assertions: false where the calling thread is certainly not inside of this executor.
/// Executors that cannot be asked give true.
template <class E>
bool runs_here(const E& ex) noexcept {
    if constexpr (requires {
                      { ex.running_in_this_thread() } -> std::convertible_to<bool>;
                  })
        return ex.running_in_this_thread();
    else
        return true;
}
template <>
inline bool runs_here(const boost::asio::any_io_executor& ex) noexcept {
    namespace asio = boost::asio;
    const auto allows = [](const auto* e) { return e == nullptr || e->running_in_this_thread(); };
    bool inside = true;
    visit_strand(ex, [&inside](const auto& s) { inside = s.running_in_this_thread(); });
    return inside && allows(ex.target<asio::io_context::executor_type>()) &&
           allows(ex.target<asio::thread_pool::executor_type>());
}

} // namespace ferry::detail
