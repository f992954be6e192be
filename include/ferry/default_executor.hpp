// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/thread_pool.hpp>

#include <boost/asio/execution_context.hpp>

namespace ferry {

/// The pool that `to_thread` uses in this context, created when first asked for. When the context
/// is destroyed it stops accepting, cancels what is queued, and is joined after the context's
/// handlers are gone. Thread safety: safe. Source: asyncio's default executor.
thread_pool& default_executor(boost::asio::execution_context& context);

/// Makes `pool` the default of this context, by reference: it must outlive the context.
void set_default_executor(boost::asio::execution_context& context, thread_pool& pool);

} // namespace ferry
