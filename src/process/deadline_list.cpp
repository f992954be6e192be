// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "deadline_list.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

bool deadline_list::put(deadline& d, timeout::clock::time_point at) noexcept {
    remove(d);
    FERRY_ASSERT(!contains(d));
    d.at = at;
    deadline* before = ends_.previous;
    while (before != &ends_ && before->at > at)
        before = before->previous;
    d.previous = before;
    d.next = before->next;
    d.next->previous = &d;
    before->next = &d;
    return before == &ends_;
}

void deadline_list::remove(deadline& d) noexcept {
    if (d.previous == nullptr)
        return;
    FERRY_ASSERT(d.previous->next == &d && d.next->previous == &d);
    d.previous->next = d.next;
    d.next->previous = d.previous;
    d.next = d.previous = nullptr;
}

} // namespace ferry::detail
