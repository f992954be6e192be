// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How a thread waits for an outcome.
#include <ferry/detail/waiting_thread.hpp>

#include "support/futex.hpp"
#include "support/wake_up.hpp"
#include "wait_ring.hpp"
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/thread_note.hpp>
#include <ferry/detail/wait_node.hpp>

namespace ferry::detail {
namespace {

thread_local sleep_observer* observer_of_this_thread = nullptr;

// What a thread has seen of the outcomes that it waited for.
struct waiting_habit {
    look_policy looks;
    int from = -1; // the processor that the latest came from
};
constinit thread_local waiting_habit waiting;

} // namespace

void observe_sleep(sleep_observer* o) noexcept { observer_of_this_thread = o; }

// Looks for the outcome before it sleeps, at most for as long as a wake-up takes, unless whoever
// completes it seems to need this processor. True if it came.
inline bool shared_state_base::look(std::optional<timeout::clock::time_point> deadline) noexcept {
    const auto time = waiting.looks.time({.together = waiting.from == this_processor(),
                                          .wake_up = wake_up_estimate::shared().get()});
    if (time.count() == 0 || (deadline && *deadline < timeout::clock::now() + time))
        return false;
    const bool found = look_for(time, [this] { return done(); });
    waiting.looks.looked(found);
    if (found)
        note_where_finished();
    return found;
}
inline void shared_state_base::note_where_finished() const noexcept {
    const std::uint64_t w = word_.load(std::memory_order_relaxed);
    waiting.from = static_cast<int>((w & processor_mask) / processor_unit) - 1;
}

bool shared_state_base::prepare_unlimited_wait() {
    if (done() || help())
        return true;
    check_wait();
    return false;
}

bool shared_state_base::wait(std::optional<timeout::clock::time_point> deadline) {
    if (done() || (!deadline && prepare_unlimited_wait()) || (catch_up() && done()) ||
        look(deadline))
        return true;
    std::optional<spare_worker> spare;
    if (!deadline)
        spare.emplace();
    std::optional<sleeping_wait> sleeping;
    const thread_note note(this, [](const void* of, note_text& out) noexcept {
        static_cast<const shared_state_base*>(of)->describe(out);
    });
    wait_node node;
    struct announced {
        sleep_observer* to = nullptr;
        ~announced() {
            if (to != nullptr)
                to->wakes_up();
        }
    } asleep;
    for (;;) {
        std::uint64_t w = word_.load(std::memory_order_acquire);
        if (static_cast<status>(w & status_mask) >= status::cancelled) {
            note_where_finished();
            return true;
        }
        // Of the tasks of a pool, only those that are recorded, since this takes time.
        if (node.number() == 0 && (owner == nullptr || is_recorded()))
            node = wait_node(wait_kind::blocked, current_wait_node, this);
        if (deadline && timeout::clock::now() >= *deadline)
            return false;
        if ((w & sleepers) == 0 &&
            !word_.compare_exchange_weak(w, w | sleepers, std::memory_order_acq_rel))
            continue;
        if (!deadline && !sleeping && is_inside_task()) {
            sleeping.emplace(*this);
            continue;
        }
        if (asleep.to == nullptr && observer_of_this_thread != nullptr) {
            asleep.to = observer_of_this_thread;
            asleep.to->falls_asleep();
            continue;
        }
        futex_wait(futex_word(), static_cast<std::uint32_t>(w | sleepers), deadline);
    }
}

} // namespace ferry::detail
