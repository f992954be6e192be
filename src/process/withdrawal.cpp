// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "withdrawal.hpp"

#include <ferry/detail/assert.hpp>

#include <optional>

namespace ferry::detail {

template <class F>
void withdrawal::for_each_queued(F visit) {
    for (std::optional<dispatch_queue::key> last;;) {
        remote_call_ptr c;
        {
            const scoped_lock lock(pool_.mutex);
            dispatch_queue& queue = pool_.dispatching.queue();
            dispatch_item* const i = last ? queue.after(*last) : queue.first();
            if (i == nullptr)
                return;
            last = dispatch_queue::key_of(*i);
            c = static_cast<remote_call*>(i);
        }
        visit(*c);
    }
}

template <class F>
void withdrawal::for_each_held(F visit) {
    std::uint32_t worker = 0;
    for (std::size_t slot = 0;; ++slot) {
        remote_call_ptr c;
        {
            const scoped_lock lock(pool_.mutex);
            worker_channel* w = slot != wire::slot_count ? pool_.workers.find(worker) : nullptr;
            if (w == nullptr) {
                w = pool_.workers.after(worker);
                slot = 0;
            }
            if (w == nullptr)
                return;
            worker = w->id;
            c = (*w->slots)[slot];
        }
        if (c)
            visit(*c);
    }
}

// Tasks move between the queue and the workers meanwhile, so this goes on until a pass cancels
// none.
std::size_t withdrawal::cancel_all() {
    std::size_t cancelled = 0;
    for (std::size_t now = 1; now != 0; cancelled += now) {
        now = 0;
        const auto cancel = [&now](remote_call& c) { now += c.state().cancel() ? 1 : 0; };
        for_each_queued(cancel);
        for_each_held(cancel);
    }
    return cancelled;
}

void withdrawal::refuse_quarantined() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    {
        const scoped_lock lock(pool_.mutex);
        if (!pool_.quarantine.is_pending())
            return;
    }
    const auto refuse = [this](remote_call& c) {
        std::optional<task_quarantine::sentence> s;
        {
            const scoped_lock lock(pool_.mutex);
            s = pool_.quarantine.sentence_of(c);
        }
        if (s)
            c.refuse(task_quarantine::error_of(c, *s));
    };
    for_each_queued(refuse);
    for_each_held(refuse);
    scoped_lock lock(pool_.mutex);
    pool_.quarantine.looked_through();
    pool_.dispatch(lock);
}

} // namespace ferry::detail
