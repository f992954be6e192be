// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>
#include <ferry/timeout.hpp>

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <cstddef>

namespace ferry::detail {

/// The jobs that threads do at present, and since when. A state machine without a clock of its own.
/// Not thread-safe.
class running_jobs {
public:
    using time_point = timeout::clock::time_point;

    /// What one thread does; it must stay where it is while it is among them.
    struct job {
        job(const remote_call& c, time_point now) noexcept : call(&c), since(now) {}

        const remote_call* call; ///< of which the thread has a share; null once that is dropped
        const time_point since;
        boost::intrusive::list_member_hook<> hook;
    };

    /// Puts it before the others.
    void add(job& j) noexcept { all_.push_front(j); }
    void remove(job& j) noexcept { all_.erase(all_.iterator_to(j)); }
    std::size_t count() const noexcept { return all_.size(); }
    bool empty() const noexcept { return all_.empty(); }
    /// Until when to wait for them to end, each of which may take for the time of `patience`: that
    /// counts from its begin, or from `from` if it has begun before; and from `now` if there is none.
    time_point wait_until(time_point from, time_point now,
                          timeout::clock::duration patience) const noexcept {
        auto oldest = now;
        for (const job& j : all_)
            oldest = std::min(oldest, j.since);
        return std::max(from, oldest) + patience;
    }
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }

private:
    boost::intrusive::list<
        job, boost::intrusive::member_hook<job, boost::intrusive::list_member_hook<>, &job::hook>>
        all_;
};

} // namespace ferry::detail
