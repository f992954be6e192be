// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ferry::detail {

/// Calls that wait for a job of one kind to be done, in their order; linked through themselves, so
/// nothing allocates. It owns no share of them. Not thread-safe.
///
/// Invariants:
/// - While reports are diverted, no report of progress is in it: whoever works on it sleeps, perhaps
///   until such a report was delivered.
class job_queue {
public:
    explicit job_queue(remote_call::job j) noexcept : job_(j) {}
    job_queue(job_queue&& o) noexcept
        : job_(o.job_), first_(std::exchange(o.first_, nullptr)), last_(o.last_) {}
    job_queue& operator=(job_queue&&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    /// Whether the call may be put in: not a report while they are diverted.
    bool accepts(const remote_call& c) const noexcept {
        return diversions_ == 0 || !c.has_report_job();
    }
    /// Precondition: `accepts` said so, and the call is in no other queue of this kind.
    void push(remote_call& c) noexcept;
    /// Takes the first one. Precondition: not empty.
    remote_call& take() noexcept;
    /// How many were ever taken.
    std::uint64_t taken() const noexcept { return taken_; }

    /// Reports go elsewhere until as many calls of `accept_reports`. Returns those that are here.
    job_queue divert_reports() noexcept;
    void accept_reports() noexcept;

private:
    remote_call*& next_of(remote_call& c) const noexcept {
        return c.next_job[static_cast<std::size_t>(job_)];
    }
    remote_call& unlink_first() noexcept;

    const remote_call::job job_;
    remote_call* first_ = nullptr;
    remote_call* last_ = nullptr;
    std::uint64_t taken_ = 0;
    unsigned diversions_ = 0;
};

} // namespace ferry::detail
