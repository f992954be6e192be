// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>

namespace ferry::detail {

/// Bytes of resident memory that this process has now; 0 where the system does not say.
std::size_t resident_memory() noexcept;

/// The most that a process, this one or a child that was not collected, has had since it became the
/// program that it runs; 0 where the system does not say.
std::size_t peak_memory_of(int pid) noexcept;

} // namespace ferry::detail
