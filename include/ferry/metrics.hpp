// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <cstddef>
#include <iosfwd>

namespace ferry {

/// Options for `write_metrics`.
struct metrics_options {
    /// Maximum number of labels of each pool, and of keys of each `circuit_breaker_registry`, that
    /// get time series of their own: those with the most tasks. The rest is summed up as `other`;
    /// of circuit breakers it is left out. Default: 100.
    std::size_t max_labels = 100;
};

/// Writes the figures of all living pools, of the circuit breakers in registries and of watched
/// loops in the text format of Prometheus, version 0.0.4.
///
/// Names begin with `ferry_`; durations are in seconds, memory is in bytes. The label `pool` is the
/// name of the pool; a second living pool of the same name gets `#2` appended, and so on. Bytes
/// that are not valid UTF-8 become U+FFFD. A thread pool measures a sample of its tasks: its
/// histograms are scaled, so that `_count` is the number of tasks that ended. A label of which no
/// task was measured has none.
///
/// @par Blocking
/// Briefly: it takes the lock of each pool, and reads symbols from executable files the first time
/// that a function pointer without a label is named.
///
/// @par Errors
/// `std::bad_alloc`. A stream that fails is left so.
///
/// @par Thread safety
/// Safe, with distinct streams.
///
/// @par Example
/// @code
/// std::ostringstream body;
/// ferry::write_metrics(body); // the answer to GET /metrics
/// @endcode
///
/// @par See also
/// `thread_pool::stats` and `thread_pool::stats_by_label`.
FERRY_DECL void write_metrics(std::ostream& out, metrics_options options = {});

} // namespace ferry
