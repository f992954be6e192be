// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// Where a worker process was when a signal ended it, written by its signal handler into memory
/// that it shares with its pool. Zero at first. The pool believes nothing of it.
struct crash_record {
    static constexpr std::size_t most_frames = 64;
    static constexpr std::size_t most_modules = 24;
    static constexpr std::size_t path_size = 200;

    enum class stage : std::uint32_t { none, writing, written };

    struct frame {
        std::uint64_t offset = 0; ///< in its module, or the address if it is in none
        std::uint32_t module = 0; ///< its number plus 1; 0: none
    };
    struct module {
        std::uint64_t build_id = 0;         ///< its hash; 0 where it has none
        std::array<char, path_size> path{}; ///< as the worker calls it; ends with 0
    };

    std::atomic<stage> state{stage::none};
    std::atomic<std::uint32_t> signal{0};
    std::atomic<std::uint64_t> task{0}; ///< that the worker's main thread was running
    std::atomic<std::uint32_t> frame_count{0};
    std::array<frame, most_frames> frames{};
    std::array<module, most_modules> modules{};
};

} // namespace ferry::detail
