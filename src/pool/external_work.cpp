// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "external_work.hpp"

#include <ferry/detail/assert.hpp>

#include <utility>

namespace ferry::detail {

bool external_work::finish(shared_state_base& t) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(outstanding_.load() > 0);
    if (tasks_.erase(&t) == 0)
        told_.erase(&t);
    return outstanding_.fetch_sub(1) == 1;
}

void external_work::let_in(shared_state_base& t) noexcept {
    mutex_.assert_held();
    wait(t);
    passed_on_.push(t);
}

void external_work::wait(shared_state_base& t) noexcept {
    if (!t.external()->counted.exchange(true))
        record_.elsewhere.fetch_add(1, std::memory_order_relaxed);
}

bool external_work::leave_queue(shared_state_base& t) noexcept {
    external_entry* const x = t.external();
    if (x == nullptr || !x->counted.exchange(false))
        return false;
    record_.elsewhere.fetch_sub(1, std::memory_order_relaxed);
    return true;
}

void external_work::pass_on() noexcept {
    {
        const scoped_lock lock(mutex_);
        if (passed_on_.empty() || std::exchange(passing_on_, true))
            return;
    }
    for (;;) {
        work_item* r = nullptr;
        {
            const scoped_lock lock(mutex_);
            r = passed_on_.pop();
            if (r == nullptr) {
                passing_on_ = false;
                return;
            }
        }
        static_cast<shared_state_base*>(r)->external()->enter();
    }
}

// Null once `for_each` has come to all of them.
boost::intrusive_ptr<shared_state_base> external_work::next_untold() {
    const scoped_lock lock(mutex_);
    if (tasks_.empty()) {
        tasks_.swap(told_);
        return nullptr;
    }
    shared_state_base* const t = *tasks_.begin();
    told_.insert(tasks_.extract(tasks_.begin()));
    return t;
}

} // namespace ferry::detail
