// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ferry::detail {

/// What the reader of a process pool waits for: its own wake-up, and what its workers' descriptors
/// tell. Not thread-safe.
class reader_events {
public:
    enum class source : std::uint8_t { wake, answer, exit, standard_error };
    struct event {
        source what;
        std::uint32_t worker; ///< 0: none
    };

    /// Errors: `std::system_error`.
    reader_events();

    /// Errors: `std::system_error`.
    void watch(int file, std::uint32_t worker, source what);
    void forget(int file) noexcept;
    /// Waits for so many milliseconds, -1 without end. What it gives is valid until the next call.
    std::span<const event> wait(int milliseconds) noexcept;

private:
    descriptor epoll_;
    std::array<event, 64> events_{};
};

} // namespace ferry::detail
