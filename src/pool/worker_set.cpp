// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_set.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

worker_set::~worker_set() {
    FERRY_ASSERT(working_.empty() && retired_.empty()); // each of their threads keeps the pool
}

// In a pool of very many it looks at the youngest only, so that starting them all does not take
// time that grows with the square.
bool worker_set::has_available(std::size_t wanted) const noexcept {
    mutex_.assert_held();
    std::size_t n = 0;
    std::size_t looks = 256;
    for (auto w = working_.rbegin(); w != working_.rend() && n < wanted && looks != 0; ++w, --looks)
        n += (*w)->activity.is_available() ? 1 : 0;
    return n >= wanted;
}

std::size_t worker_set::available() const noexcept {
    mutex_.assert_held();
    std::size_t n = 0;
    for (const auto& w : working_)
        n += w->activity.is_available() ? 1 : 0;
    return n;
}

// From both lists in a few instructions, whatever their length.
std::unique_ptr<worker> worker_set::remove_from(list& from, worker& w) noexcept {
    FERRY_ASSERT(w.index < from.size() && from[w.index].get() == &w);
    std::unique_ptr<worker> out = std::move(from[w.index]);
    if (w.index + 1 != from.size()) {
        from[w.index] = std::move(from.back());
        from[w.index]->index = w.index;
    }
    from.pop_back();
    return out;
}

void worker_set::retire(worker& w) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(!w.retired && retired_.size() < retired_.capacity());
    auto mine = remove_from(working_, w);
    w.index = retired_.size();
    w.retired = true;
    retired_.push_back(std::move(mine)); // has room
    count_.store(working_.size());
}

void worker_set::detach(worker& w) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(!w.detached);
    w.detached = true;
    w.thread.detach();
    if (!w.retired)
        retire(w);
}

std::unique_ptr<worker> worker_set::remove(worker& w) noexcept {
    mutex_.assert_held();
    ended_counts_.add(w.counts);
    auto mine = remove_from(w.retired ? retired_ : working_, w);
    count_.store(working_.size());
    return mine;
}

bool worker_set::have_ended() const noexcept {
    mutex_.assert_held();
    return working_.empty() &&
           std::ranges::all_of(retired_, [](const auto& w) { return w->detached; });
}

void worker_set::add_counts_to(task_counts& sum) const noexcept {
    mutex_.assert_held();
    sum.add(ended_counts_);
    for_each([&sum](const worker& w) { sum.add(w.counts); });
}

std::chrono::nanoseconds worker_set::mean_run_time() const noexcept {
    mutex_.assert_held();
    histogram all;
    ended_counts_.run_time.add_to(all);
    for_each([&all](const worker& w) { w.counts.run_time.add_to(all); });
    const std::uint64_t n = all.count();
    return n == 0 ? std::chrono::nanoseconds() : all.sum() / static_cast<std::int64_t>(n);
}

} // namespace ferry::detail
