// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace ferry::detail {

/// Who shares the word: the threads of this process, or other processes too.
enum class futex_scope { process, shared };

/// Sleeps while `*word` holds `expected`, until a wake-up or the deadline. May return at any time;
/// the caller looks again.
FERRY_DECL void futex_wait(std::uint32_t* word, std::uint32_t expected,
                           std::optional<std::chrono::steady_clock::time_point> deadline,
                           futex_scope scope = futex_scope::process) noexcept;

/// Wakes up to `count` sleepers. Safe on a word whose memory was released since: it only names an
/// address.
FERRY_DECL void futex_wake(std::uint32_t* word, int count,
                           futex_scope scope = futex_scope::process) noexcept;
inline void futex_wake_all(std::uint32_t* word) noexcept { futex_wake(word, 0x7fffffff); }

} // namespace ferry::detail
