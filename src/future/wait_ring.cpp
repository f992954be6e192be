// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "wait_ring.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ferry::detail {

constinit thread_local running_frame* innermost_task = nullptr;

namespace {

thread_local const awaited_futures* awaited_here = nullptr;
thread_local sleeping_wait* own_wait = nullptr; // for those who look from other threads

} // namespace

/// Who is inside which task, as far as threads have slept there, and what they sleep for.
struct wait_ring {
    adaptive_mutex mutex;
    // The place of a thread's `own_wait`, by the tasks that the thread is in.
    std::unordered_map<const shared_state_base*, sleeping_wait**> inside FERRY_GUARDED_BY(mutex);
    std::uint64_t searches FERRY_GUARDED_BY(mutex) = 0;

    static wait_ring& instance() {
        static auto* const r = new wait_ring; // outlives what runs at exit
        return *r;
    }

    /// Names the tasks of this thread; one that was named is known until it ends.
    void name_own_tasks() FERRY_REQUIRES(mutex) {
        for (running_frame* f = innermost_task; f != nullptr && !f->named; f = f->outer) {
            inside.insert_or_assign(f->task, &own_wait);
            f->named = true;
        }
    }
    /// The wait of the thread that is inside `task` and sleeps there; null if there is none.
    const sleeping_wait* wait_inside(const shared_state_base& task) const FERRY_REQUIRES(mutex) {
        const auto at = inside.find(&task);
        return at != inside.end() ? *at->second : nullptr;
    }

    /// Follows what `from` waits for until all ways end in waits that were met before, or one in
    /// something that can complete. `path` gets the tasks in the order in which they are met.
    bool is_stuck(const sleeping_wait& from, std::vector<const shared_state_base*>& path)
        FERRY_REQUIRES(mutex) {
        ++searches;
        from.met_ = searches;
        std::vector<const sleeping_wait*> to_follow{&from};
        const auto stuck = [&](shared_state_base& s) FERRY_UNCHECKED {
            if (s.done() || (s.extra != nullptr && s.extra->limit.limit()))
                return false;
            const sleeping_wait* const w = wait_inside(s);
            if (w == nullptr)
                return false;
            path.push_back(&s);
            if (std::exchange(w->met_, searches) != searches)
                to_follow.push_back(w);
            return true;
        };
        while (!to_follow.empty()) {
            const sleeping_wait& next = *to_follow.back();
            to_follow.pop_back();
            if (!(next.all_ != nullptr ? next.all_->all_of(stuck) : stuck(next.state_)))
                return false;
        }
        return true;
    }

    static std::string text(const std::vector<const shared_state_base*>& path) {
        std::string names;
        std::vector<const shared_state_base*> told;
        for (const shared_state_base* s : path) {
            if (std::ranges::find(told, s) != told.end())
                continue;
            told.push_back(s);
            names += (names.empty() ? "'" : ", '") + s->label() + "'";
        }
        return "waiting here would never end: the tasks " + names + " wait for each other";
    }
};

awaited_futures::scope::scope(const awaited_futures* f) noexcept
    : outer_(std::exchange(awaited_here, f)) {}
awaited_futures::scope::~scope() { awaited_here = outer_; }

sleeping_wait::sleeping_wait(shared_state_base& state) : state_(state), all_(awaited_here) {
    FERRY_ASSERT(is_inside_task() && own_wait == nullptr);
    auto& ring = wait_ring::instance();
    std::string text;
    {
        const scoped_lock lock(ring.mutex);
        own_wait = this;
        try {
            ring.name_own_tasks();
            std::vector<const shared_state_base*> path;
            if (!ring.is_stuck(*this, path))
                return;
            text = wait_ring::text(path);
        } catch (const std::bad_alloc&) { // then the ring is not found
            return;
        }
        own_wait = nullptr;
    }
    throw would_deadlock(text);
}

sleeping_wait::~sleeping_wait() {
    const scoped_lock lock(wait_ring::instance().mutex);
    own_wait = nullptr;
}

void running_frame::forget() noexcept {
    auto& ring = wait_ring::instance();
    const scoped_lock lock(ring.mutex);
    // The task may be gone, and another one at its address be what another thread is inside of.
    const auto at = ring.inside.find(task);
    if (at != ring.inside.end() && at->second == &own_wait)
        ring.inside.erase(at);
}

} // namespace ferry::detail
