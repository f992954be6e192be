// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "process_state.hpp"

#include <cstddef>

namespace ferry::detail {

/// Takes out of a process pool what has not started and must not: one task after the other, each
/// without the mutex, since its callbacks may run then. Thread safety: safe.
class withdrawal {
public:
    explicit withdrawal(process_state& pool) noexcept : pool_(pool) {}

    /// Cancels all of them; how many.
    std::size_t cancel_all() FERRY_EXCLUDES(pool_.mutex);
    /// Refuses those that are in quarantine, where there may be some; then goes on handing out.
    void refuse_quarantined() noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    template <class F>
    void for_each_queued(F visit) FERRY_EXCLUDES(pool_.mutex);
    template <class F>
    void for_each_held(F visit) FERRY_EXCLUDES(pool_.mutex);

    process_state& pool_;
};

} // namespace ferry::detail
