// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/annotated_mutex.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>

namespace ferry::detail {

/// The pool's requests that the task of a worker should stop. The main thread says which task runs,
/// the listening thread passes the requests on. Its mutex guards it.
class stop_requests {
public:
    /// That task runs from now on; its stop token.
    std::stop_token begin(std::uint64_t task) FERRY_EXCLUDES(mutex_);
    void end() noexcept FERRY_EXCLUDES(mutex_);
    /// Asks the task to stop, if it is the one that runs. Its stop callbacks may take long, so they
    /// run in a thread of their own, unless none can be started.
    void request(std::uint64_t task) FERRY_EXCLUDES(mutex_);

private:
    annotated_mutex mutex_;
    std::uint64_t task_ FERRY_GUARDED_BY(mutex_) = 0; // none has that number
    std::optional<std::stop_source> source_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
