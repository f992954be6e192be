// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "process_state.hpp"

#include <chrono>
#include <optional>

namespace ferry::detail {

/// Takes samples of the workers that run something, for their `limit_watch` to judge. For the
/// reader.
class limit_sampler {
public:
    explicit limit_sampler(process_state& pool) noexcept : pool_(pool) {}

    /// Looks at all workers, and says when to do so again. A worker that exceeds a limit is killed;
    /// its task learns that when it has ended.
    void sample_all() noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    std::chrono::nanoseconds judge(worker_channel& w, unsigned processors) noexcept
        FERRY_EXCLUDES(pool_.mutex);
    std::optional<limit_breach> sample(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);

    process_state& pool_;
};

} // namespace ferry::detail
