// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "job_queue.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

void job_queue::push(remote_call& c) noexcept {
    next_of(c) = nullptr;
    (first_ != nullptr ? next_of(*last_) : first_) = &c;
    last_ = &c;
}

remote_call& job_queue::unlink_first() noexcept {
    FERRY_ASSERT(first_ != nullptr);
    remote_call& c = *first_;
    first_ = next_of(c);
    return c;
}

remote_call& job_queue::take() noexcept {
    ++taken_;
    return unlink_first();
}

job_queue job_queue::divert_reports() noexcept {
    job_queue all(std::move(*this));
    job_queue reports(job_);
    ++diversions_;
    while (!all.empty()) {
        remote_call& c = all.unlink_first();
        (accepts(c) ? *this : reports).push(c);
    }
    return reports;
}

void job_queue::accept_reports() noexcept {
    FERRY_ASSERT(diversions_ != 0);
    --diversions_;
}

} // namespace ferry::detail
