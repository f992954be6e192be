// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/wait.hpp>

#include <ferry/detail/assert.hpp>

#include "wait_ring.hpp"

namespace ferry::detail {

void wait_waiter::begin() {
    if (size() == 0)
        set();
    else
        start();
}

void wait_waiter::wait(timeout limit) {
    const auto deadline = limit.deadline();
    if (!deadline) {
        for (std::size_t i = 0; i < size() && !enough->done(); ++i)
            static_cast<void>(state(i).prepare_unlimited_wait());
    }
    // They stay where they are as long as this thread sleeps.
    struct all final : awaited_futures {
        explicit all(const wait_waiter& w) noexcept : of(w) {}
        bool all_of(const std::function<bool(shared_state_base&)>& stuck) const override {
            for (std::size_t i = 0; i < of.size(); ++i) {
                if (!stuck(of.state(i)))
                    return false;
            }
            return true;
        }
        const wait_waiter& of;
    } const futures(*this);
    const awaited_futures::scope waiting(&futures);
    static_cast<void>(enough->wait(deadline));
}

void wait_waiter::on_done(node& n) noexcept {
    FERRY_ASSERT(left_.load() != 0); // each node fires once
    const bool last = left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    if (last || rule_ == return_when::first_completed ||
        (rule_ == return_when::first_exception && n.state->current() == status::error))
        set();
}

void wait_waiter::set() noexcept {
    if (enough->claim(false))
        enough->complete([] {});
}

} // namespace ferry::detail
