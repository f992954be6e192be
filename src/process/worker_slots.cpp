// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_slots.hpp"

#include "segment.hpp"

#include <ferry/detail/assert.hpp>

#include <bit>
#include <utility>

namespace ferry::detail {

using wire::slot_state;

void worker_slots::offer(remote_call_ptr c, std::uint64_t number, std::int64_t now_ns) noexcept {
    FERRY_ASSERT(!is_full());
    const auto slot = static_cast<std::uint16_t>(std::countr_zero(free_));
    FERRY_ASSERT(held_[slot] == nullptr);
    c->slot = slot;
    c->number = number;
    free_ &= free_ - 1;
    large_ += c->arguments.size() >= large_payload ? 1 : 0;
    held_[slot] = std::move(c);
    offered_ns_[slot] = now_ns;
    shared_[slot].offer(number);
}

bool worker_slots::revoke(std::uint16_t slot) noexcept {
    FERRY_ASSERT(slot < held_.size());
    const remote_call_ptr& c = held_[slot];
    return c != nullptr && shared_[slot].move(c->number, slot_state::offered, slot_state::free);
}

bool worker_slots::condemn(std::uint16_t slot) noexcept {
    FERRY_ASSERT(held_[slot] != nullptr);
    if (!shared_[slot].move(held_[slot]->number, slot_state::claimed, slot_state::condemned))
        return false;
    condemned_ |= std::uint64_t(1) << slot;
    return true;
}

remote_call_ptr worker_slots::release(std::uint16_t slot) noexcept {
    FERRY_ASSERT(held_[slot] != nullptr && held_[slot]->slot == slot);
    remote_call_ptr c = std::move(held_[slot]);
    free_ |= std::uint64_t(1) << slot;
    condemned_ &= ~(std::uint64_t(1) << slot);
    FERRY_ASSERT(c->arguments.size() < large_payload || large_ != 0);
    large_ -= c->arguments.size() >= large_payload ? 1 : 0;
    return c;
}

const remote_call* worker_slots::running() const noexcept {
    for (const auto& c : held_) {
        if (c && is(*c, slot_state::claimed))
            return c.get();
    }
    return nullptr;
}

// A worker runs its tasks in the order in which it was given them, so it is the oldest one whose
// slot says that it was begun, or that was not started for too long. If a task is condemned, it has
// its outcome already, and the worker has begun no other one.
std::optional<std::uint64_t> worker_slots::begun(std::uint64_t denied) const noexcept {
    if (condemned_ != 0)
        return std::nullopt;
    std::optional<std::uint64_t> first;
    for (const auto& c : held_) {
        if (c == nullptr || (first && *first < c->number))
            continue;
        if (c->number == denied || !is(*c, slot_state::offered))
            first = c->number;
    }
    return first;
}

bool worker_slots::are_sound() const noexcept {
    unsigned begun = 0;
    for (const auto& c : held_) {
        if (!c || is_condemned(c->slot) || is(*c, slot_state::offered))
            continue;
        if (!is(*c, slot_state::claimed) && !is(*c, slot_state::done))
            return false;
        begun += is(*c, slot_state::claimed) ? 1 : 0;
    }
    return begun <= 1;
}

} // namespace ferry::detail
