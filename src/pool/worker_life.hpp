// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "pool_core.hpp"

namespace ferry::detail {

/// What the thread of a worker does: it runs what the queue gives it, and sleeps in between. It
/// holds no lock while user code runs.
///
/// A worker of a closed pool ends when it finds nothing in the queue: an item that was pushed in
/// spite of that is either found by it, because it looks at the queue after that at
/// `pool_state::closed`, or taken back by who pushed it.
class worker_life {
public:
    worker_life(pool_core& core, worker& w) noexcept : core_(core), pool_(core.state()), me_(w) {}
    worker_life(const worker_life&) = delete;
    worker_life& operator=(const worker_life&) = delete;

    void run();

private:
    bool initialise() noexcept;
    void finalise();
    void loop();
    work_item* next();
    void note_taken(work_item& r) noexcept;
    bool has_work() const noexcept { return pool_.queue.may_have_items() || pool_.closed.load(); }
    bool can_somebody_help() const noexcept {
        return pool_.sleeping.any() || pool_.workers.room() != 0;
    }
    bool makes_room(scoped_lock& lock) FERRY_UNCHECKED;
    bool sleep(scoped_lock& lock) FERRY_UNCHECKED;
    void look_before_sleep() noexcept;
    void spin_before_sleep() noexcept;
    void end() noexcept;

    pool_core& core_;
    pool_state& pool_;
    worker& me_;
};

} // namespace ferry::detail
