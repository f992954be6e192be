// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>

namespace ferry::detail {

/// Begins to fetch the line of memory at this address, which need not be a valid one, so that the
/// line is there, and may be written, when it is needed. A line that another processor wrote last is
/// transferred once then; fetched for reading only, it would be asked for again by the first write.
inline void fetch_for_writing(std::uintptr_t address) noexcept {
#if defined(__x86_64__)
    // What the compiler has for this becomes a fetch for reading, unless it is told that the
    // processor is a newer one. Older ones ignore the instruction.
    asm volatile("prefetchw {(%0)|[%0]}" : : "r"(address));
#else
    __builtin_prefetch(reinterpret_cast<const void*>(address), 1);
#endif
}

/// The same for an object of which at least the first 64 bytes matter, wherever in a line it begins.
inline void fetch_object_for_writing(const void* p) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(p);
    fetch_for_writing(begin);
    fetch_for_writing(begin + 64);
}

} // namespace ferry::detail
