// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ferry::detail {

/// The tasks that a worker holds. Each has a slot in the memory that the two processes share, where
/// one compare-exchange decides who may start it. For who holds the pool's mutex.
///
/// Invariants:
/// - What this process knows of a slot is kept here. What the worker can write there is only
///   compared with what it may be.
/// - A condemned task has its outcome, and its worker is being ended.
/// - It holds no more than two tasks with large arguments, since their mappings are held with them.
class worker_slots {
public:
    using shared_slots = std::array<wire::task_slot, wire::slot_count>;
    explicit worker_slots(shared_slots& shared) noexcept : shared_(shared) {}

    bool empty() const noexcept { return free_ == ~std::uint64_t(0); }
    bool is_full() const noexcept { return free_ == 0; }
    /// Whether there is no room for another task with large arguments.
    bool is_full_of_large() const noexcept { return large_ >= most_large; }

    /// Holds the task from now on, and offers it to the worker under that number. Sets its `slot`
    /// and `number`. Precondition: there is room for it.
    void offer(remote_call_ptr c, std::uint64_t number, std::int64_t now_ns) noexcept;
    /// Withdraws the offer; false if the worker has claimed the task.
    bool revoke(std::uint16_t slot) noexcept;
    /// Lets the worker answer the task no more; false if it does not run it.
    bool condemn(std::uint16_t slot) noexcept;
    /// Holds the task no longer.
    remote_call_ptr release(std::uint16_t slot) noexcept;

    /// The task in that slot, or null.
    const remote_call_ptr& operator[](std::size_t slot) const noexcept { return held_[slot]; }
    auto begin() const noexcept { return held_.begin(); }
    auto end() const noexcept { return held_.end(); }
    bool is_condemned(std::uint16_t slot) const noexcept { return (condemned_ >> slot & 1) != 0; }
    /// What the slot of a held task says, whoever wrote it.
    bool is(const remote_call& c, wire::slot_state s) const noexcept {
        return shared_[c.slot].is(c.number, s);
    }
    /// The task that the worker runs, or null.
    const remote_call* running() const noexcept;
    /// Whether a task has neither begun nor an outcome. What the worker has done is not unstarted,
    /// however long nobody can read its answers.
    bool is_unstarted(const remote_call& c) const noexcept {
        return !is_condemned(c.slot) && is(c, wire::slot_state::offered);
    }
    /// When the task was offered.
    std::int64_t offered_ns(const remote_call& c) const noexcept { return offered_ns_[c.slot]; }
    /// The number of the task that the worker had begun when it ended, or that it had `denied`: no
    /// more than one, whatever it wrote.
    std::optional<std::uint64_t> begun(std::uint64_t denied) const noexcept;
    /// Whether the slots say what they can say.
    bool are_sound() const noexcept;

private:
    static constexpr unsigned most_large = 2;

    shared_slots& shared_;
    std::array<remote_call_ptr, wire::slot_count> held_;
    std::array<std::int64_t, wire::slot_count> offered_ns_{};
    std::uint64_t free_ = ~std::uint64_t(0);
    std::uint64_t condemned_ = 0;
    unsigned large_ = 0;
};

} // namespace ferry::detail
