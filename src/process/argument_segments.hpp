// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "segment.hpp"
#include "support/annotated_mutex.hpp"
#include "wire.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::detail {

/// The shared mappings that a worker has received, with the arguments of its calls. The listening
/// thread adds and forgets; the main thread does the rest. Its mutex guards the mappings.
class argument_segments {
public:
    /// One that the pool has announced. Errors: those of `received_segments::add`.
    void add(std::uint32_t id, const descriptor& file, std::size_t capacity) FERRY_EXCLUDES(mutex_);
    /// The pool uses it no more.
    void forget(std::uint32_t id) noexcept FERRY_EXCLUDES(mutex_);

    /// The mapping that a frame refers to. The pool has sent it before the frame, so only a shortage
    /// keeps it from arriving: after ten seconds of that the process ends.
    std::shared_ptr<segment> find(const wire::segment_ref& ref) FERRY_EXCLUDES(mutex_);
    /// The same, for the arguments of a call that begins.
    std::shared_ptr<segment> find_for_call(const wire::segment_ref& ref) FERRY_EXCLUDES(mutex_) {
        in_call_ = ref.id;
        return find(ref);
    }
    /// After a call: whether a value of the program lies in the mapping of its arguments, which is
    /// then forgotten here.
    bool keeps_arguments() noexcept FERRY_EXCLUDES(mutex_);

    /// Forgets those that their creator has let go of.
    void forget_retired() noexcept FERRY_EXCLUDES(mutex_);
    /// Whether there is one that its creator may let go of one day.
    bool has_large() noexcept FERRY_EXCLUDES(mutex_);

private:
    std::uint32_t in_call_ = 0; // the main thread's

    std::condition_variable arrived_;
    annotated_mutex mutex_;
    received_segments segments_ FERRY_GUARDED_BY(mutex_){segment::side::worker};
};

} // namespace ferry::detail
