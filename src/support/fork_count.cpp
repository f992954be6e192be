// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "fork_count.hpp"

#include <pthread.h>

namespace ferry::detail {

constinit std::atomic<unsigned> forks{0};

namespace {

[[maybe_unused]] const int at_fork =
    ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });

} // namespace
} // namespace ferry::detail
