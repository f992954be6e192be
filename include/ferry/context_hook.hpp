// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <functional>
#include <memory>

namespace ferry {

/// Makes a captured context current in the thread that calls it, for as long as the returned
/// pointer lives; that may be null.
using context_activation = std::function<std::shared_ptr<void>()>;

/// Captures the context that is current in the thread that calls it. An empty activation means that
/// there is none.
using context_capture = std::function<context_activation()>;

/// Installs a function that captures the context of a tracer where work is started, so that it
/// becomes current again where the work runs. Returns the previous function; an empty one removes
/// the hook.
///
/// The hook is called by `submit`, `map` and `run_in_executor`, at the start of the children of
/// `gather`, of groups and of `run_coroutine_threadsafe`, and where a callback is registered. It
/// does not reach worker processes: there a `context_value` carries the identifiers.
///
/// @par Executor
/// The capture runs in the thread that starts the work. The activation runs in the thread that
/// does it, once for each time that the work is resumed, and its result is destroyed there.
///
/// @par Errors
/// An exception that escapes the functions goes to the handler of `set_unhandled_callback`; the
/// work then runs without that context.
///
/// @par Thread safety
/// Safe. The functions may be called by several threads at once, and once more after they were
/// replaced.
///
/// @par Example
/// @code
/// ferry::set_context_hook([]() -> ferry::context_activation {
///     return [span = current_span()] { return activate(span); };
/// });
/// @endcode
///
/// @par See also
/// `context_value`; OpenTelemetry's `RuntimeContext`.
FERRY_DECL context_capture set_context_hook(context_capture capture);

} // namespace ferry
