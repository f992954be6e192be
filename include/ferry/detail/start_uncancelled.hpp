// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

namespace ferry::detail {

/// For `co_await` at the start of a coroutine: lets cancellations of all types in, and forgets those
/// that came before.
inline auto start_uncancelled() {
    return boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
}

} // namespace ferry::detail
