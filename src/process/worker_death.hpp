// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>

#include "death_policy.hpp"
#include "worker_channel.hpp"
#include "worker_program.hpp"

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

namespace ferry::detail {

/// What a worker process that has ended died of, and what its task and its pool are told of that.
/// It changes nothing. For the reader.
class worker_death {
public:
    /// Precondition: its end is known.
    worker_death(const worker_channel& w, const worker_limits& limits,
                 const worker_program& program) noexcept
        : worker_(w), limits_(limits), program_(program) {}

    /// The number of the task that it had begun and not answered, if it holds that: no more than
    /// one, whatever it wrote. For who holds the pool's mutex.
    std::optional<std::uint64_t> begun() const noexcept {
        return worker_.slots->begun(worker_.end.denied);
    }
    /// Why it died, if it was of that task.
    death_cause cause(const remote_call& c) const noexcept;
    /// What the task fails with when it has been started so often. Errors: `std::bad_alloc`.
    std::exception_ptr error(const remote_call& c, unsigned attempt) const;
    /// Of one that never was ready. Errors: `std::bad_alloc`.
    std::string why_not_ready() const;

private:
    std::optional<limit_breach> breach(const remote_call& c) const noexcept;

    const worker_channel& worker_;
    const worker_limits& limits_;
    const worker_program& program_;
};

} // namespace ferry::detail
