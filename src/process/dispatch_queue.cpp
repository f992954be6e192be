// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "dispatch_queue.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {

void dispatch_queue::push(dispatch_item& i) noexcept {
    FERRY_ASSERT(!contains(i) && !i.handed_out.is_linked());
    i.place = ++places_;
    prioritized_ = prioritized_ || i.priority != 0;
    items_.insert_equal(items_.end(), i);
}

dispatch_item* dispatch_queue::after(const key& k) noexcept {
    struct by_key {
        bool operator()(const key& a, const dispatch_item& b) const noexcept {
            return a < key_of(b);
        }
        bool operator()(const dispatch_item& a, const key& b) const noexcept {
            return key_of(a) < b;
        }
    };
    const auto it = items_.upper_bound(k, by_key());
    return it == items_.end() ? nullptr : &*it;
}

std::size_t dispatch_queue::ahead(int priority) const noexcept {
    if (!prioritized_)
        return priority <= 0 ? items_.size() : 0;
    return static_cast<std::size_t>(std::count_if(
        items_.begin(), items_.end(), [&](const auto& i) { return i.priority >= priority; }));
}

} // namespace ferry::detail
