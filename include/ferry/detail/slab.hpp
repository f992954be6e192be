// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>

namespace ferry::detail {

/// The largest object that a slab takes, and its strictest alignment.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t slab_object_limit = 0; // it cannot look into slabs
#else
inline constexpr std::size_t slab_object_limit = 256;
#endif
inline constexpr std::size_t slab_alignment = alignof(void*);

/// Memory for an object that one thread makes and another soon destroys, such as a posted function:
/// the general allocator is slow at exactly that. Each thread cuts its objects from a slab of its own;
/// the slab is released when the last of them is gone, so an object that lives long would hold it.
/// Errors: `std::bad_alloc`.
void* slab_allocate(std::size_t size);
void slab_deallocate(void* object) noexcept;
/// A burst is over: gives back most of what is spare.
void slab_trim() noexcept;

} // namespace ferry::detail
