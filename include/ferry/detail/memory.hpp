// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <cstddef>

namespace ferry::detail {

/// The largest object that an arena takes, and its strictest alignment.
#if FERRY_ASAN
inline constexpr std::size_t arena_object_limit = 0; // it cannot look into arenas
#else
inline constexpr std::size_t arena_object_limit = 256;
#endif
inline constexpr std::size_t arena_alignment = alignof(void*);

/// Memory for an object that one thread makes and another soon destroys, such as a posted
/// function: the general allocator is slow at exactly that. Each thread cuts its objects from an
/// arena of its own; the arena is released when the last of them is gone, so an object that lives
/// long would hold it. Errors: `std::bad_alloc`.
FERRY_DECL void* arena_allocate(std::size_t size);
FERRY_DECL void arena_deallocate(void* object) noexcept;

/// Memory for a task, which may live long and go through several threads. Each thread cuts blocks
/// of one size from a slab of its own, and takes first what it has just given back itself; what
/// other threads give back is used again later. Small ones are not from `operator new`, even where
/// the program has one of its own. Errors: `std::bad_alloc`.
FERRY_DECL void* block_allocate(std::size_t size);
/// From any thread; `size` as it was asked for.
FERRY_DECL void block_deallocate(void* block, std::size_t size) noexcept;

} // namespace ferry::detail
