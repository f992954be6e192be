// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/assert.hpp>
#include <ferry/detail/work_item.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>

namespace ferry::detail {

/// An intrusive list, first in, first out.
struct fifo {
    work_item* first = nullptr;
    work_item* last = nullptr;
    std::size_t tasks = 0; // those of them that are

    bool empty() const noexcept { return first == nullptr; }
    void push(work_item& r) noexcept {
        r.next.store(nullptr, std::memory_order_relaxed);
        if (last != nullptr)
            last->next.store(&r, std::memory_order_relaxed);
        else
            first = &r;
        last = &r;
        tasks += r.is_task() ? 1 : 0;
    }
    void append(const fifo& other) noexcept {
        if (other.first == nullptr)
            return;
        if (last != nullptr)
            last->next.store(other.first, std::memory_order_relaxed);
        else
            first = other.first;
        last = other.last;
        tasks += other.tasks;
    }
    work_item* pop() noexcept {
        work_item* const r = first;
        if (r == nullptr)
            return nullptr;
        first = r->next.load(std::memory_order_relaxed);
        if (first == nullptr)
            last = nullptr;
        tasks -= r->is_task() ? 1 : 0;
        return r;
    }
};

/// What waits for a worker: by priority, and in the order of arrival within one. Not thread-safe.
///
/// An item with a priority needs a reservation before it is pushed, because that may need memory; a
/// list is kept as long as there are items or reservations for it.
class ready_queue {
public:
    bool empty() const noexcept { return size_ == 0; }
    /// Everything, and what counts as a task.
    std::size_t size() const noexcept { return size_; }
    std::size_t tasks() const noexcept {
        std::size_t n = normal_.tasks;
        for (const auto& l : others_)
            n += l.second.items.tasks;
        return n;
    }
    /// Those that a new task of this priority would wait for.
    std::size_t tasks_before(int priority) const noexcept {
        std::size_t n = priority <= 0 ? normal_.tasks : 0;
        for (const auto& [p, level] : others_) {
            if (p < priority)
                break;
            n += level.items.tasks;
        }
        return n;
    }

    /// An item of this priority, which is not 0, comes soon. Errors: `std::bad_alloc`.
    void reserve(int priority) { ++others_[priority].reserved; }
    /// It does not come.
    void cancel_reservation(int priority) noexcept { let_go(others_.find(priority)); }

    void push(work_item& r) noexcept {
        FERRY_ASSERT(r.priority == 0 || others_.contains(r.priority)); // reserved
        if (r.priority == 0)
            normal_.push(r);
        else
            others_.find(r.priority)->second.items.push(r);
        ++size_;
    }

    /// Tasks without a priority.
    void push_all(const fifo& tasks) noexcept {
        normal_.append(tasks);
        size_ += tasks.tasks;
    }

    /// The next one, or null.
    work_item* pop() noexcept {
        auto top = others_.begin();
        while (top != others_.end() && top->first > 0 && top->second.items.empty())
            ++top;
        const bool urgent = top != others_.end() && top->first > 0;
        work_item* r = urgent ? nullptr : normal_.pop();
        if (r == nullptr) {
            while (top != others_.end() && top->second.items.empty())
                ++top;
            if (top == others_.end())
                return nullptr;
            r = top->second.items.pop();
            let_go(top);
        }
        FERRY_ASSERT(size_ != 0);
        --size_;
        return r;
    }

    /// Takes out everything for which `unwanted` is true, in the order in which it would be popped.
    template <class Predicate>
    fifo extract(Predicate unwanted) noexcept {
        fifo out;
        auto level = others_.begin();
        for (; level != others_.end() && level->first > 0;)
            level = filter(level, unwanted, out);
        filter(normal_, unwanted, out);
        while (level != others_.end())
            level = filter(level, unwanted, out);
        return out;
    }
    fifo extract_all() noexcept {
        return extract([](const work_item&) { return true; });
    }

private:
    struct level {
        fifo items;
        std::size_t reserved = 0; // those in `items` too
    };
    using levels = std::map<int, level, std::greater<>>;

    levels::iterator let_go(levels::iterator l) noexcept {
        FERRY_ASSERT(l != others_.end() && l->second.reserved != 0);
        return --l->second.reserved == 0 ? others_.erase(l) : l;
    }
    template <class Predicate>
    std::size_t filter(fifo& items, Predicate unwanted, fifo& out) noexcept {
        fifo kept;
        std::size_t taken = 0;
        while (work_item* r = items.pop()) {
            if (!unwanted(*r)) {
                kept.push(*r);
                continue;
            }
            ++taken;
            --size_;
            out.push(*r);
        }
        items = kept;
        return taken;
    }
    template <class Predicate>
    levels::iterator filter(levels::iterator l, Predicate unwanted, fifo& out) noexcept {
        l->second.reserved -= filter(l->second.items, unwanted, out);
        return l->second.reserved == 0 ? others_.erase(l) : std::next(l);
    }

    fifo normal_;
    levels others_;
    std::size_t size_ = 0;
};

} // namespace ferry::detail
