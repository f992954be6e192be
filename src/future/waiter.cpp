// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/waiter.hpp>

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>

namespace ferry::detail {

void remove_duplicates(std::vector<state_ptr>& states) {
    if (std::ranges::any_of(states, [](const state_ptr& s) { return s == nullptr; }))
        throw no_state_error("one of the futures has no state");
    // States that were made one after the other mostly stand in that order, or in the opposite one:
    // then there are no repetitions.
    const auto ordered = [&states](auto before) {
        return std::ranges::adjacent_find(states, [before](const state_ptr& a, const state_ptr& b) {
                   return !before(a.get(), b.get());
               }) == states.end();
    };
    if (ordered(std::less<>()) || ordered(std::greater<>()))
        return;
    // A set of addresses in one array, at most half full, searched from a hashed place on.
    const std::size_t room = std::bit_ceil(states.size() * 2 + 1);
    std::vector<const void*> seen(room, nullptr);
    const auto is_repetition = [&](const state_ptr& s) {
        const auto hash = (reinterpret_cast<std::uintptr_t>(s.get()) >> 4) * 0x9e3779b97f4a7c15u;
        std::size_t i = static_cast<std::size_t>(hash >> 20) & (room - 1);
        for (; seen[i] != nullptr; i = (i + 1) & (room - 1)) {
            if (seen[i] == s.get())
                return true;
        }
        seen[i] = s.get();
        return false;
    };
    std::erase_if(states, is_repetition);
}

waiter::waiter(std::vector<state_ptr> states)
    : count_(states.size()), nodes_(std::make_unique<node[]>(states.size())) {
    for (std::size_t i = 0; i < count_; ++i) {
        nodes_[i].owner = this;
        nodes_[i].state = std::move(states[i]);
    }
}

waiter::~waiter() = default;

void waiter::start() noexcept {
    refs_.fetch_add(count_, std::memory_order_relaxed); // the states'
    for (std::size_t i = 0; i < count_; ++i) {
        node& n = nodes_[i];
        FERRY_ASSERT(!n.watched && n.state != nullptr); // it starts once
        n.watched = true;
        // The node holds its state until it fires, and `add` does not touch that afterwards.
        if (!n.state->add(n))
            n.fire(nullptr);
    }
}

void waiter::stop() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        node& n = nodes_[i];
        if (!std::exchange(n.watched, false) || n.state == nullptr)
            continue;
        const state_ptr s = n.state;
        if (s->remove(n))
            intrusive_ptr_release(this);
    }
}

} // namespace ferry::detail
