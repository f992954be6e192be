// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "sleepers.hpp"

namespace ferry::detail {

sleeper* sleepers::pop() noexcept {
    mutex_.assert_held();
    sleeper* const w = first_;
    if (w != nullptr) {
        FERRY_ASSERT(w->listed_ && w->wake_.load() == 0);
        FERRY_ASSERT(sleeping_.load() != 0);
        first_ = w->next_;
        w->listed_ = false;
        w->called_ = wake_call::now();
        sleeping_.fetch_sub(1);
        w->wake_.store(1);
    }
    return w;
}

void sleepers::wake_one() noexcept {
    if (waking_.load() || waking_.exchange(true))
        return;
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        w = pop();
        if (w == nullptr)
            waking_.store(false);
    }
    if (w != nullptr)
        w->wake_up();
}

void sleepers::wake_all() noexcept {
    while (sleeper* w = pop())
        w->wake_up();
}

void sleepers::add(sleeper& w) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(!w.listed_); // it sleeps once at a time
    w.wake_.store(0);
    w.next_ = first_;
    first_ = &w;
    w.listed_ = true;
    sleeping_.fetch_add(1);
}

// Of the worker that has just put itself there.
void sleepers::remove_first(sleeper& w) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(first_ == &w && w.listed_);
    first_ = w.next_;
    w.listed_ = false;
    sleeping_.fetch_sub(1);
}

void sleepers::wait(sleeper& w,
                    std::optional<std::chrono::steady_clock::time_point> deadline) noexcept {
    bool expired = false;
    while (w.wake_.load() == 0 && !expired) {
        futex_wait(reinterpret_cast<std::uint32_t*>(&w.wake_), 0, deadline);
        expired = deadline && std::chrono::steady_clock::now() >= *deadline;
    }
}

bool sleepers::settle(sleeper& w) noexcept {
    mutex_.assert_held();
    if (!w.listed_) {
        FERRY_ASSERT(w.wake_.load() != 0);
        waking_.store(false);
        w.called_.answered();
        return true;
    }
    for (sleeper** link = &first_; *link != nullptr; link = &(*link)->next_) {
        if (*link == &w) {
            *link = w.next_;
            break;
        }
    }
    w.listed_ = false;
    sleeping_.fetch_sub(1);
    return false;
}

} // namespace ferry::detail
