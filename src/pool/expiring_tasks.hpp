// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// The tasks of a pool whose timer has fired, while user code runs because of that. The pool waits
/// for them. Each function is called under its lock.
class expiring_tasks {
public:
    explicit expiring_tasks(adaptive_mutex& lock) noexcept : mutex_(lock) {}
    expiring_tasks(const expiring_tasks&) = delete;
    expiring_tasks& operator=(const expiring_tasks&) = delete;

    /// `t` stays where it is until it is removed. `now` is in nanoseconds.
    void add(task_extra& t, std::int64_t now) noexcept {
        mutex_.assert_held();
        FERRY_ASSERT(!t.owner_hook.is_linked());
        t.expired_at = now;
        tasks_.push_back(t);
    }
    void remove(task_extra& t) noexcept {
        mutex_.assert_held();
        FERRY_ASSERT(t.owner_hook.is_linked());
        tasks_.erase(tasks_.iterator_to(t));
    }
    std::size_t size() const noexcept {
        mutex_.assert_held();
        return tasks_.size();
    }
    template <class F>
    void for_each(F f) const noexcept {
        mutex_.assert_held();
        for (const task_extra& t : tasks_)
            f(t);
    }

    /// They are not waited for any more.
    void abandon() noexcept {
        mutex_.assert_held();
        abandoned_ = true;
    }
    /// Whether there is nobody to wait for but `own`, which the caller is.
    bool are_done(std::size_t own) const noexcept {
        mutex_.assert_held();
        return abandoned_ || tasks_.size() <= own;
    }

private:
    adaptive_mutex& mutex_;
    boost::intrusive::list<
        task_extra, boost::intrusive::member_hook<task_extra, boost::intrusive::list_member_hook<>,
                                                  &task_extra::owner_hook>>
        tasks_ FERRY_GUARDED_BY(mutex_);
    bool abandoned_ FERRY_GUARDED_BY(mutex_) = false;
};

} // namespace ferry::detail
