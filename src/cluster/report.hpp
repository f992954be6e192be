// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "frame.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// A message of a worker host: to a pool, or through an exchange to everybody.
struct report {
    std::string key; ///< the pool's reply queue
    std::vector<std::byte> body;
    /// The task that something happens to once the broker has confirmed this: it starts, or the
    /// host is done with it.
    std::optional<task_id> id = {};
    bool starts = false;
    std::string exchange = {};
};

} // namespace ferry::detail::cluster
