// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "open_calls.hpp"

#include <boost/assert.hpp>

namespace ferry::detail::cluster {

open_call& open_calls::add(open_call c) {
    const std::uint64_t number = ++numbers_;
    c.call->number = number;
    const auto [it, is_new] = calls_.emplace(number, std::move(c));
    BOOST_ASSERT(is_new);
    return it->second;
}

open_call* open_calls::find(std::uint64_t number) noexcept {
    const auto it = calls_.find(number);
    return it != calls_.end() ? &it->second : nullptr;
}

open_call& open_calls::at(std::uint64_t number) noexcept {
    open_call* const c = find(number);
    BOOST_ASSERT(c != nullptr);
    return *c;
}

remote_call_ptr open_calls::take(open_call& c) {
    remote_call_ptr call = std::move(c.call);
    calls_.erase(call->number);
    ++unpublished_;
    return call;
}

void open_calls::published(std::size_t outcomes) noexcept {
    BOOST_ASSERT(outcomes <= unpublished_);
    unpublished_ -= outcomes;
}

} // namespace ferry::detail::cluster
