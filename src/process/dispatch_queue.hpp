// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include <boost/intrusive/set.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ferry::detail {

/// The tasks of a process pool that no worker holds: those with the highest priority first, and
/// those of one priority in the order in which they came. Nothing allocates, because items are
/// linked through themselves; they are not owned. Not thread-safe.
class dispatch_queue {
public:
    /// Puts a new item behind those of its priority.
    void push(dispatch_item& i) noexcept;
    /// Puts one that was taken out where it was.
    void requeue(dispatch_item& i) noexcept { items_.insert_equal(i); }
    void remove(dispatch_item& i) noexcept { items_.erase(items_.iterator_to(i)); }
    static bool contains(const dispatch_item& i) noexcept { return i.in_queue.is_linked(); }

    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }
    /// How many of them a new item of this priority would wait for.
    std::size_t ahead(int priority) const noexcept;

    /// The next one to be handed out; null if there is none.
    dispatch_item* first() noexcept { return items_.empty() ? nullptr : &*items_.begin(); }
    using key = std::pair<std::int64_t, std::uint64_t>; // falling priority, place
    static key key_of(const dispatch_item& i) noexcept {
        return {-std::int64_t(i.priority), i.place};
    }
    /// The first one behind that key, or null.
    dispatch_item* after(const key& k) noexcept;

private:
    struct first_first {
        bool operator()(const dispatch_item& a, const dispatch_item& b) const noexcept {
            return key_of(a) < key_of(b);
        }
    };

    boost::intrusive::multiset<
        dispatch_item,
        boost::intrusive::member_hook<dispatch_item, boost::intrusive::set_member_hook<>,
                                      &dispatch_item::in_queue>,
        boost::intrusive::compare<first_first>>
        items_;
    std::uint64_t places_ = 0;
    bool prioritized_ = false; // there was a priority; forever
};

} // namespace ferry::detail
