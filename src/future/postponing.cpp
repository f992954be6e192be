// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Where outcomes complete the next one, and values hold the next state, without end: what is deep
// inside waits until the innermost of them has returned, so that the stack stays bounded.
#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>

#include "wait_ring.hpp"

#include <utility>
#include <vector>

namespace ferry::detail {
namespace {

// How deep a thread may be inside continuations that complete the next state, or inside values that
// hold the next state, before what comes next waits until the innermost of them has returned.
constexpr unsigned deepest = 64;

struct postponed_ring {
    boost::intrusive_ptr<shared_state_base> state;
    continuation* first;
};

// What the frame at that depth fires before it returns, in order.
struct postponed_chain {
    std::vector<postponed_ring> rings;
    std::size_t next = 0;

    bool empty() const noexcept { return next == rings.size(); }
    postponed_ring take() noexcept {
        postponed_ring r = std::move(rings[next]);
        if (++next == 1000) { // keeps a long chain from keeping memory
            rings.erase(rings.begin(), rings.begin() + 1000);
            next = 0;
        }
        return r;
    }
};

thread_local unsigned firing_depth = 0;
thread_local postponed_chain* postponed_rings = nullptr;
thread_local unsigned destroying_depth = 0;
thread_local shared_state_base* postponed_states = nullptr;

} // namespace

bool shared_state_base::catch_up() {
    if ((postponed_rings == nullptr || postponed_rings->empty()) && postponed_states == nullptr)
        return false;
    // As if the thread had nothing else to return to.
    struct aside {
        const unsigned firing = std::exchange(firing_depth, 0);
        const unsigned destroying = std::exchange(destroying_depth, 0);
        postponed_chain* const rings = std::exchange(postponed_rings, nullptr);
        const awaited_futures::scope nothing_awaited{nullptr};
        ~aside() {
            firing_depth = firing;
            destroying_depth = destroying;
            postponed_rings = rings;
        }
    } const outer;
    while (shared_state_base* const s = postponed_states) {
        postponed_states = static_cast<shared_state_base*>(s->next.load(std::memory_order_relaxed));
        destroy(s);
    }
    while (outer.rings != nullptr && !outer.rings->empty()) {
        const postponed_ring r = outer.rings->take();
        r.state->fire(r.first);
    }
    return true;
}

void shared_state_base::fire(continuation* first) {
    const boost::intrusive_ptr<shared_state_base> keep(this);
    if (firing_depth == deepest && postponed_rings != nullptr) {
        try {
            postponed_rings->rings.push_back({keep, first});
            return;
        } catch (const std::bad_alloc&) { // then it takes stack instead
        }
    }
    postponed_chain postponed;
    // Fires what is left even when forced unwinding ends one of them.
    struct firing {
        boost::intrusive_ptr<shared_state_base> state;
        continuation* first;
        postponed_chain& mine;
        postponed_chain* const outer = postponed_rings;

        void go() {
            for (;;) {
                fire_all(first, state.get());
                if (mine.empty())
                    return;
                postponed_ring r = mine.take();
                state = std::move(r.state);
                first = r.first;
            }
        }
        ~firing() {
            go();
            --firing_depth;
            postponed_rings = outer;
        }
    } rest{keep, first, postponed};
    if (++firing_depth == deepest)
        postponed_rings = &postponed;
    rest.go();
}

void shared_state_base::destroy(shared_state_base* p) noexcept {
    FERRY_ASSERT(p->references() <= 1);
    if (destroying_depth == deepest) {
        p->next.store(std::exchange(postponed_states, p), std::memory_order_relaxed);
        return;
    }
    ++destroying_depth;
    delete p;
    if (destroying_depth == deepest) {
        while (shared_state_base* const next = postponed_states) {
            postponed_states =
                static_cast<shared_state_base*>(next->next.load(std::memory_order_relaxed));
            delete next;
        }
    }
    --destroying_depth;
}

} // namespace ferry::detail
