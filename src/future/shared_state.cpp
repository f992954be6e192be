// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>

#include "support/futex.hpp"
#include <ferry/detail/spin.hpp>
#include <ferry/detail/thread_note.hpp>

#include <utility>

namespace ferry::detail {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));

void shared_state_base::destroy_ring() noexcept {
    const std::uintptr_t h = waiters_.load(std::memory_order_relaxed);
    auto* const first = reinterpret_cast<continuation*>(h & ~ring_flags);
    for (continuation* c = first; c != nullptr;) {
        continuation* const next = c->next_ == first ? nullptr : c->next_;
        c->destroy();
        c = next;
    }
}

bool shared_state_base::claim(bool from_running) noexcept {
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    for (;;) {
        const auto s = static_cast<status>(w & status_mask);
        if ((w & claimed) != 0 || !(s == status::pending || (from_running && s == status::running)))
            return false;
        if (word_.compare_exchange_weak(w, w | claimed, std::memory_order_acq_rel))
            return true;
    }
}

// Moves a pending state on and tells the owner of the queue that still holds it. The owner lives
// until the item is taken from it, and whoever takes it waits for the end of `leaving`.
bool shared_state_base::leave_queue(std::uint64_t to, bool cancelled) noexcept {
    FERRY_ASSERT((to & (status_mask | claimed)) != 0);
    const std::uint64_t mark = owner != nullptr ? leaving : 0;
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((w & (status_mask | claimed)) != 0)
            return false;
        if ((w & offered) != 0) {
            if (!revoke())
                return false;
            w = word_.load(std::memory_order_relaxed);
        } else if (word_.compare_exchange_weak(w, w | to | mark, std::memory_order_acq_rel)) {
            break;
        }
    }
    if (mark != 0) {
        FERRY_ASSERT((word_.load() & leaving) != 0); // until here nobody else takes it away
        owner->on_task_claimed(*this, cancelled, (w & in_line) != 0);
        word_.fetch_and(~leaving, std::memory_order_acq_rel);
    }
    return true;
}

bool shared_state_base::offer() noexcept {
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    while ((w & (status_mask | claimed)) == 0) {
        if (word_.compare_exchange_weak(w, w | offered, std::memory_order_acq_rel))
            return true;
    }
    return false;
}

bool shared_state_base::start_in_queue() noexcept {
    return leave_queue(static_cast<std::uint64_t>(status::running), false);
}

std::uintptr_t shared_state_base::lock_ring() noexcept {
    spin_wait pause;
    for (;;) {
        std::uintptr_t h = waiters_.load(std::memory_order_acquire);
        if ((h & ring_closed) != 0)
            return h;
        if ((h & ring_locked) == 0 &&
            waiters_.compare_exchange_weak(h, h | ring_locked, std::memory_order_acq_rel))
            return h;
        pause();
    }
}

std::uintptr_t shared_state_base::close_slowly() noexcept {
    const std::uintptr_t h = lock_ring();
    FERRY_ASSERT((h & ring_closed) == 0);
    waiters_.store(ring_closed, std::memory_order_release);
    return h;
}

bool shared_state_base::add(continuation& c) noexcept {
    const std::uintptr_t h = lock_ring();
    if ((h & ring_closed) != 0) {
        for (spin_wait pause; !done();)
            pause();
        return false;
    }
    auto* first = reinterpret_cast<continuation*>(h & ~ring_flags);
    if (first == nullptr) {
        first = c.next_ = c.prev_ = &c;
    } else {
        c.next_ = first;
        c.prev_ = first->prev_;
        c.prev_->next_ = &c;
        first->prev_ = &c;
    }
    const std::uintptr_t flags = (h & ring_user_code) | (c.user_code_ ? ring_user_code : 0);
    waiters_.store(reinterpret_cast<std::uintptr_t>(first) | flags, std::memory_order_release);
    return true;
}

bool shared_state_base::remove(continuation& c) noexcept {
    const std::uintptr_t h = lock_ring();
    if ((h & ring_closed) != 0)
        return false;
    auto* first = reinterpret_cast<continuation*>(h & ~ring_flags);
    FERRY_ASSERT(first != nullptr && c.next_ != nullptr && c.next_->prev_ == &c);
    if (c.next_ == &c) {
        first = nullptr;
    } else {
        c.prev_->next_ = c.next_;
        c.next_->prev_ = c.prev_;
        if (first == &c)
            first = c.next_;
    }
    waiters_.store(reinterpret_cast<std::uintptr_t>(first) | (h & ring_user_code),
                   std::memory_order_release);
    return true;
}

// True if no reference is left, and the state is to be destroyed. Else it may be gone, unless the
// caller has another reference.
inline bool shared_state_base::finish(std::uint64_t change) noexcept {
    std::uint32_t* const word = futex_word();
    // Where it was finished, for `wait`.
    change += (processor_unit * (static_cast<unsigned>(this_processor()) + 1)) & processor_mask;
    const std::uint64_t now = word_.fetch_add(change, std::memory_order_acq_rel) + change;
    FERRY_ASSERT(static_cast<status>(now & status_mask) >= status::cancelled);
    if ((now & sleepers) != 0)
        futex_wake_all(word);
    return now >> 32 == 0;
}

bool shared_state_base::announce(status outcome, closed_ring ring, bool release) {
    const std::uint64_t now = word_.load(std::memory_order_relaxed) & (status_mask | claimed);
    FERRY_ASSERT(now != 0 && static_cast<status>(now & status_mask) < status::cancelled);
    FERRY_ASSERT(outcome >= status::cancelled); // once, by who claimed or started it
    FERRY_ASSERT(references() != 0);
    FERRY_ASSERT((waiters_.load() & ring_closed) != 0);
    std::uint64_t change = static_cast<std::uint64_t>(outcome) - now;
    if (ring.user_code) {
        // User code needs the state.
        static_cast<void>(finish(change));
        fire(ring.first);
        return release && drop_reference();
    }
    if (release)
        change -= one_reference;
    // From here on it may be gone, unless this was the last reference.
    struct firing {
        continuation* first;
        shared_state_base* last;
        ~firing() {
            fire_all(first, nullptr);
            if (last != nullptr)
                destroy(last);
        }
    } rest{ring.first, nullptr};
    if (finish(change))
        rest.last = this;
    fire_all(rest.first, nullptr);
    return std::exchange(rest.last, nullptr) != nullptr;
}

shared_state_base::closed_ring shared_state_base::announce_apart(status outcome) {
    const closed_ring all = close();
    closed_ring kept, other;
    const auto append = [](closed_ring& to, continuation* c) {
        if (to.first == nullptr) {
            to.first = c->next_ = c->prev_ = c;
            return;
        }
        c->next_ = to.first;
        c->prev_ = to.first->prev_;
        c->prev_->next_ = c;
        to.first->prev_ = c;
    };
    for (continuation* c = all.first; c != nullptr;) {
        continuation* const next = c->next_ == all.first ? nullptr : c->next_;
        append(c->user_code_ ? kept : other, c);
        c = next;
    }
    kept.user_code = kept.first != nullptr;
    static_cast<void>(announce(outcome, other, false));
    return kept;
}

bool shared_state_base::drop_reference_unless_last() noexcept {
    std::uint64_t w = word_.load(std::memory_order_acquire);
    FERRY_ASSERT(w >> 32 != 0);
    while (w >> 32 != 1) {
        if (word_.compare_exchange_weak(w, w - one_reference, std::memory_order_acq_rel))
            return true;
    }
    return false;
}

bool shared_state_base::cancel() {
    if (!leave_queue(claimed | cancelling, true))
        return false;
    destroy_callable();
    publish(status::cancelled);
    return true;
}

bool shared_state_base::was_cancelled() const noexcept {
    spin_wait pause;
    for (int i = 0; i < 200 && !done(); ++i) {
        if ((word_.load(std::memory_order_acquire) & cancelling) == 0)
            return false;
        pause();
    }
    return !done() || current() == status::cancelled;
}

bool shared_state_base::fail(std::exception_ptr error, bool from_running) {
    if (!leave_queue(claimed, false) && !(from_running && claim(true)))
        return false;
    destroy_callable();
    fail_claimed(std::move(error));
    return true;
}

bool shared_state_base::stale() const noexcept {
    // What is leaving still belongs to the thread that claimed it.
    const std::uint64_t w = word_.load(std::memory_order_acquire);
    return (w & (status_mask | claimed)) != 0 && (w & leaving) == 0;
}

void shared_state_base::run() {
    // Only tasks are run; anything else in a queue has been claimed.
    for (spin_wait pause; (word_.load(std::memory_order_acquire) & leaving) != 0;)
        pause();
    FERRY_ASSERT(is_claimed());
    if (owner != nullptr)
        owner->on_claimed_task_removed(*this);
    intrusive_ptr_release(this);
}

void shared_state_base::drop(std::exception_ptr why) noexcept {
    if (!leave_queue(why == nullptr ? claimed | cancelling : claimed, why == nullptr)) {
        shared_state_base::run();
        return;
    }
    if (owner != nullptr)
        owner->on_claimed_task_removed(*this);
    destroy_callable();
    const status outcome = why ? status::error : status::cancelled;
    error_ = std::move(why);
    if (announce(outcome, close(), true))
        destroy(this);
}

void shared_state_base::describe(note_text& out) const noexcept {
    out.label = statistics_label();
    out.size = std::exchange(out.label.text, {}).copy(out.to, out.room);
}

std::string shared_state_base::name() const {
    switch (current()) {
    case status::pending: return was_cancelled() ? "cancelled" : "pending";
    case status::running: return "running";
    case status::cancelled: return "cancelled";
    default: return "finished";
    }
}

cancelled_error shared_state_base::cancellation() const {
    const std::string task = label();
    return task.empty() ? cancelled_error()
                        : cancelled_error("the task '" + task + "' was cancelled");
}

timeout_error shared_state_base::expiry() const {
    const std::string task = label();
    return timeout_error("the " + (task.empty() ? std::string("future") : "task '" + task + "'") +
                         " is " + name() + " and was not done in time");
}

} // namespace ferry::detail
