// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_phase.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/error.hpp>

namespace ferry::detail {

void process_phase::break_for(const std::string& why) noexcept {
    FERRY_ASSERT(!broken_);
    broken_ = closed_ = true;
    try {
        why_ = why;
    } catch (const std::bad_alloc&) { // the pool is broken all the same, without a reason
    }
}

void process_phase::check_open() const {
    if (broken_)
        throw broken_process_pool(why_);
    if (closed_)
        throw shutdown_error();
}

std::exception_ptr process_phase::error() const noexcept {
    FERRY_ASSERT(broken_);
    return error_or_shortage([this] { return make_error<broken_process_pool>(why_); });
}

} // namespace ferry::detail
