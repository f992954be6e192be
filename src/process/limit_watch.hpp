// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ferry::detail {

/// A limit that a call has exceeded.
struct limit_breach {
    enum class limit { memory, cpu_time, file_size } what{};
    std::uint64_t allowed = 0;   ///< bytes, or nanoseconds
    std::uint64_t used = 0;      ///< likewise
    bool failed_request = false; ///< memory that it asked for was refused
};

/// What the error says: the limit's name, what it allowed and what was used.
std::string text_of(const limit_breach& b, const std::string& label, int pid);

/// What is seen of a worker process at one moment.
struct usage_sample {
    std::uint64_t memory = 0;       ///< resident and swapped anonymous memory, in bytes
    std::chrono::nanoseconds cpu{}; ///< used since the process began
};

/// Decides from samples of one worker whether its call exceeds a limit, and when to take the next
/// sample. It acts on nothing and reads no clock. Not thread-safe.
class limit_watch {
public:
    explicit limit_watch(const worker_limits& limits) noexcept
        : memory_(limits.memory),
          cpu_(limits.cpu_time.limit().value_or(std::chrono::nanoseconds::zero())) {}

    /// Whether there is anything to sample.
    bool is_needed() const noexcept { return memory_ != 0 || cpu_.count() != 0; }

    /// The worker runs that task, which says that it began at `cpu_at_start`. What a worker says is
    /// taken once for each task, and not beyond what the process has used by then.
    std::optional<limit_breach> sample(std::uint64_t task, const usage_sample& now,
                                       std::chrono::nanoseconds cpu_at_start) noexcept;
    /// The worker runs nothing.
    void rest() noexcept { task_ = 0; }
    /// How long until the next sample, where so many processors can be used at once.
    std::chrono::nanoseconds until_next(unsigned processors) const noexcept;

    /// The most memory that was seen.
    std::uint64_t peak_memory() const noexcept { return peak_; }

private:
    const std::size_t memory_;
    const std::chrono::nanoseconds cpu_; // 0: no limit
    std::uint64_t task_ = 0;             // 0: none
    std::chrono::nanoseconds start_{};
    std::chrono::nanoseconds used_{};
    std::uint64_t peak_ = 0;
};

} // namespace ferry::detail
