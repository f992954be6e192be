// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "picture.hpp"

#include <ferry/config.hpp>

#include <cstdint>
#include <string>

namespace ferry::detail {

/// The events since `from` in Chrome's trace format, which Perfetto opens: each run of a task as a
/// slice of its worker, its time in the queue, and arrows from the submitter to the run and from
/// there to the coroutine that goes on.
FERRY_DECL std::string chrome_trace(const picture& p, std::uint64_t from = 0);

} // namespace ferry::detail
