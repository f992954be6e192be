// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <atomic>

namespace ferry::detail {

extern FERRY_DECL std::atomic<unsigned> forks;

/// How many calls of fork() lie between the first process and this one. A pool whose count was
/// another one has no threads here, and its mutex may be locked forever.
inline unsigned fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

} // namespace ferry::detail
