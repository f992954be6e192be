// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>

namespace ferry::detail {

/// Memory for a task: one that this thread has just given back, else from the general allocator, which
/// takes ten times as long. A thread keeps a few spare blocks of each size. Errors: `std::bad_alloc`.
void* block_allocate(std::size_t size);
/// From any thread; `size` as it was asked for.
void block_deallocate(void* block, std::size_t size) noexcept;

} // namespace ferry::detail
