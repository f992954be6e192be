// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "transfer_channel.hpp"

#include <iterator>
#include <stdexcept>
#include <utility>

namespace fetcher {

void result_inbox::put(std::vector<job_ptr>& done) {
    if (done.empty())
        return;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = done_.empty();
        std::move(done.begin(), done.end(), std::back_inserter(done_));
    }
    done.clear();
    if (first)
        wake_();
}

std::vector<job_ptr> result_inbox::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
}

transfer_channel::transfer_channel() : multi_(curl_multi_init(), curl_multi_cleanup) {
    if (multi_ == nullptr)
        throw std::runtime_error("curl_multi_init failed");
}

void transfer_channel::put(std::vector<job_ptr>& more) {
    const std::lock_guard lock(mutex_);
    std::move(more.begin(), more.end(), std::back_inserter(orders_.jobs));
    more.clear();
    wake();
}

void transfer_channel::nudge() {
    const std::lock_guard lock(mutex_);
    wake();
}

void transfer_channel::resume(CURL* handle) {
    const std::lock_guard lock(mutex_);
    orders_.resumed.push_back(handle);
    wake();
}

void transfer_channel::drain() {
    const std::lock_guard lock(mutex_);
    orders_.drain = true;
    wake();
}

void transfer_channel::finish() {
    const std::lock_guard lock(mutex_);
    orders_.finish = true;
    wake();
}

void transfer_channel::abort() {
    const std::lock_guard lock(mutex_);
    orders_.abort = true;
    wake();
}

// Under the lock. A worker that is not asleep looks at the orders before it sleeps.
void transfer_channel::wake() {
    news_ = true;
    if (std::exchange(asleep_, false))
        curl_multi_wakeup(multi_.get());
}

transfer_channel::orders transfer_channel::take() {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
    news_ = false;
    return {std::exchange(orders_.jobs, {}), std::exchange(orders_.resumed, {}), orders_.drain,
            orders_.finish, orders_.abort};
}

bool transfer_channel::try_sleep() {
    const std::lock_guard lock(mutex_);
    asleep_ = !news_;
    return asleep_;
}

} // namespace fetcher
