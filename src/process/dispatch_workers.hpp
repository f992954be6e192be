// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include "worker_lifecycle.hpp"

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>

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

/// The workers of a pool, in the order of their ids, and how busy they are together. They are linked
/// through themselves and not owned. Not thread-safe.
class dispatch_workers {
public:
    void add(dispatch_worker& w) noexcept { all_.push_back(w); }
    void remove(dispatch_worker& w) noexcept { all_.erase(all_.iterator_to(w)); }
    std::size_t size() const noexcept { return all_.size(); }
    auto begin() noexcept { return all_.begin(); }
    auto end() noexcept { return all_.end(); }

    /// How many have not said that they are ready.
    std::size_t starting() const noexcept;
    /// How many that start or serve have nothing to do.
    std::size_t idle() const noexcept;
    bool any_serves() const noexcept;
    /// Whether any of them holds an item.
    bool any_held() const noexcept;
    /// Items that one of them holds, or will, behind another one.
    std::size_t held_behind() const noexcept;
    /// The one that holds the most items, if these are two or more, else null.
    dispatch_worker* fullest() noexcept;

private:
    boost::intrusive::list<
        dispatch_worker,
        boost::intrusive::member_hook<dispatch_worker, boost::intrusive::list_member_hook<>,
                                      &dispatch_worker::in_dispatcher>>
        all_;
};

} // namespace ferry::detail
