// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include "worker_lifecycle.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace ferry::detail {

/// A worker as the dispatcher sees it.
struct dispatch_worker {
    dispatch_worker(std::uint32_t number, std::size_t max_tasks) noexcept
        : id(number), life(max_tasks) {}

    const std::uint32_t id;
    worker_lifecycle life;

    using item_list = boost::intrusive::list<
        dispatch_item,
        boost::intrusive::member_hook<dispatch_item, boost::intrusive::list_member_hook<>,
                                      &dispatch_item::handed_out>,
        boost::intrusive::constant_time_size<false>>;
    item_list items;           ///< what it holds, the latest last
    std::uint64_t refused = 0; ///< the round in which it took nothing
    unsigned promised = 0;     ///< items that are made ready for it
    std::size_t load() const noexcept { return life.held() + promised; }
    boost::intrusive::list_member_hook<> in_dispatcher;
};

/// The queue of a process pool, and the decision about who gets what: a state machine without locks
/// and without effects. Its caller asks for the next step, tries it, and says what became of it:
///
///     d.begin_round();
///     for (auto s = d.next(); s.what != dispatcher::action::nothing; s = d.next()) ...
///
/// Nothing allocates: items and workers are linked through themselves. Items are not owned.
/// Not thread-safe.
class dispatcher {
public:
    /// At most `most_workers` at a time, each with at most `most_held` items.
    dispatcher(std::size_t most_workers, std::size_t most_held) noexcept
        : most_workers_(most_workers), most_held_(most_held) {}

    // ---- The queue ------------------------------------------------------------------------------

    /// Puts a new item behind those of its priority.
    void push(dispatch_item& i) noexcept;
    void remove(dispatch_item& i) noexcept { queue_.erase(queue_.iterator_to(i)); }
    static bool is_queued(const dispatch_item& i) noexcept { return i.in_queue.is_linked(); }
    bool empty() const noexcept { return queue_.empty(); }
    std::size_t size() const noexcept { return queue_.size(); }
    /// How many of them a new item of this priority would wait for.
    std::size_t ahead(int priority) const noexcept;
    dispatch_item* first() noexcept { return queue_.empty() ? nullptr : &*queue_.begin(); }

    using key = std::pair<std::int64_t, std::uint64_t>; // falling priority, place
    static key key_of(const dispatch_item& i) noexcept {
        return {-std::int64_t(i.priority), i.place};
    }
    /// The first one behind that key, or null.
    dispatch_item* after(const key& k) noexcept;

    // ---- The workers ----------------------------------------------------------------------------

    void add(dispatch_worker& w) noexcept { workers_.push_back(w); }
    void remove(dispatch_worker& w) noexcept { workers_.erase(workers_.iterator_to(w)); }
    std::size_t workers() const noexcept { return workers_.size(); }
    /// Whether another one would have something to do.
    bool wants_worker() const noexcept;
    bool any_serves() const noexcept;
    /// Whether any worker holds an item.
    bool any_held() const noexcept;
    /// Items that a worker holds, or will, behind another one.
    std::size_t held_behind() const noexcept;
    /// Workers that hold nothing, and those that can still be started.
    std::size_t free_workers() const noexcept;
    /// 0 before the first run.
    std::chrono::nanoseconds mean_run_time() const noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(std::max(0.0, mean_run_ns_)));
    }

    // ---- Decisions ------------------------------------------------------------------------------

    enum class action {
        nothing,
        give,  ///< the item, which is the first of the queue, to the worker
        revoke ///< the item from the worker
    };
    struct step {
        action what = action::nothing;
        dispatch_item* item = nullptr;
        dispatch_worker* worker = nullptr;
    };
    /// Workers that refused a task may be asked again.
    void begin_round() noexcept;
    /// Goes on with a round in which other threads may have changed queue and workers. A worker
    /// that refused a task is still not asked again, so that the round comes to an end.
    void resume_round() noexcept;
    /// Gives the queue away; when it is empty, takes half of what waits behind the task of one
    /// worker for each idle one.
    step next() noexcept;

    // What became of a step.
    /// The item of `give` was handed out, under that number. It is out of the queue.
    void given(dispatch_item& i, dispatch_worker& w) noexcept;
    std::uint64_t next_number() noexcept { return ++numbers_; }
    /// The worker has no room; the item stays where it is.
    void refused(dispatch_worker& w) noexcept { w.refused = round_; }
    /// The item of `revoke` has started.
    void not_revoked() noexcept;

    // What became of an item that was handed out.
    worker_lifecycle::action answered(dispatch_item& i, dispatch_worker& w) noexcept;
    /// It does not count among what the worker was given.
    void taken_back(dispatch_item& i, dispatch_worker& w) noexcept;
    /// Puts it where it was in the queue.
    void requeue(dispatch_item& i) noexcept { queue_.insert_equal(i); }
    /// A run took that long.
    void ran(std::int64_t run_ns) noexcept;

private:
    struct first_first {
        bool operator()(const dispatch_item& a, const dispatch_item& b) const noexcept {
            return key_of(a) < key_of(b);
        }
    };
    using queue = boost::intrusive::multiset<
        dispatch_item,
        boost::intrusive::member_hook<dispatch_item, boost::intrusive::set_member_hook<>,
                                      &dispatch_item::in_queue>,
        boost::intrusive::compare<first_first>>;
    using worker_list = boost::intrusive::list<
        dispatch_worker,
        boost::intrusive::member_hook<dispatch_worker, boost::intrusive::list_member_hook<>,
                                      &dispatch_worker::in_dispatcher>>;

    dispatch_worker* pick(const dispatch_item& i) noexcept;
    bool may_get(const dispatch_worker& w) const noexcept {
        return w.life.quota() != 0 && w.refused != round_;
    }
    step steal() noexcept;

    const std::size_t most_workers_;
    const std::size_t most_held_;
    queue queue_;
    worker_list workers_; // in the order of their ids
    std::uint64_t places_ = 0;
    bool prioritized_ = false; // there was a priority; forever
    std::uint64_t numbers_ = 0;
    std::uint64_t round_ = 0;
    double mean_run_ns_ = -1;
    dispatch_worker* victim_ = nullptr; // of the theft that goes on
    std::size_t loot_ = 0;              // how many more to take from it
};

} // namespace ferry::detail
