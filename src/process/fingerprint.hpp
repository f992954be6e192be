// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/code.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ferry::detail {

/// Tells tasks apart by their function and the bytes of their arguments; never 0. The seed is a
/// secret of the pool, so that nobody can make arguments that pass for another task's.
std::uint64_t fingerprint(const code_ref& entry, std::span<const std::byte> arguments,
                          std::uint64_t seed) noexcept;

} // namespace ferry::detail
