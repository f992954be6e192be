// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/runnable.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <utility>

namespace ferry::detail {

/// An intrusive list, first in, first out.
struct fifo {
    runnable* first = nullptr;
    runnable* last = nullptr;

    bool empty() const noexcept { return first == nullptr; }
    void push(runnable& r) noexcept {
        r.next.store(nullptr, std::memory_order_relaxed);
        if (last != nullptr)
            last->next.store(&r, std::memory_order_relaxed);
        else
            first = &r;
        last = &r;
    }
    runnable* pop() noexcept {
        runnable* const r = first;
        if (r != nullptr && (first = r->next.load(std::memory_order_relaxed)) == nullptr)
            last = nullptr;
        return r;
    }
};

/// What waits for a worker: by priority, and in the order of arrival within one. Not thread-safe.
/// Invariant: no list in `others_` is empty.
class ready_queue {
public:
    bool empty() const noexcept { return size_ == 0; }
    /// Everything, and what counts as a task.
    std::size_t size() const noexcept { return size_; }
    std::size_t tasks() const noexcept { return tasks_; }

    void push(runnable& r) {
        (r.priority == 0 ? normal_ : others_[r.priority]).push(r);
        ++size_;
        tasks_ += r.is_task() ? 1 : 0;
    }

    /// The next one, or null.
    runnable* pop() noexcept {
        runnable* r = nullptr;
        if (others_.empty()) {
            r = normal_.pop();
        } else if (auto top = others_.begin(); top->first > 0 || normal_.empty()) {
            r = top->second.pop();
            if (top->second.empty())
                others_.erase(top);
        } else {
            r = normal_.pop();
        }
        if (r != nullptr) {
            --size_;
            tasks_ -= r->is_task() ? 1 : 0;
        }
        return r;
    }

    /// Takes out everything for which `unwanted` is true, in order.
    template <class Predicate>
    fifo extract(Predicate unwanted) {
        fifo out;
        ready_queue kept;
        while (runnable* r = pop()) {
            if (unwanted(*r))
                out.push(*r);
            else
                kept.push(*r);
        }
        *this = std::move(kept);
        return out;
    }
    fifo extract_all() {
        return extract([](const runnable&) { return true; });
    }

private:
    fifo normal_;
    std::map<int, fifo, std::greater<>> others_;
    std::size_t size_ = 0;
    std::size_t tasks_ = 0;
};

} // namespace ferry::detail
