// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_phase.hpp"

#include <ferry/detail/shared_state.hpp>
#include <ferry/error.hpp>

#include <boost/assert.hpp>

#include <new>

namespace ferry::detail::cluster {

void cluster_phase::break_for(const std::string& why) noexcept {
    BOOST_ASSERT(!broken_);
    broken_ = done_ = true;
    try {
        why_ = why;
    } catch (const std::bad_alloc&) { // the pool is broken all the same, without a reason
    }
}

void cluster_phase::check_open() const {
    if (broken_)
        throw broken_cluster_pool(why_);
    if (closed_)
        throw shutdown_error();
}

std::exception_ptr cluster_phase::error() const noexcept {
    BOOST_ASSERT(broken_);
    return error_or_shortage([this] { return make_error<broken_cluster_pool>(why_); });
}

} // namespace ferry::detail::cluster
