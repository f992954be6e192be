// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "observed.hpp"

#include "support/fork_count.hpp"

#include <atomic>

namespace ferry::detail {

observed_list& observed_list::instance() {
    struct of_process {
        observed_list list;
        unsigned forks;
    };
    static constinit std::atomic<of_process*> latest{nullptr};
    of_process* p = latest.load(std::memory_order_acquire);
    while (p == nullptr || p->forks != fork_count()) {
        auto* const fresh = new of_process{{}, fork_count()}; // outlives what runs at exit
        if (latest.compare_exchange_strong(p, fresh))
            return fresh->list;
        delete fresh;
    }
    return p->list;
}

void observed_list::add(observed& o) {
    const std::lock_guard lock(mutex_);
    all_.push_back(&o);
}

void observed_list::remove(observed& o) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase(all_, &o);
}

all_figures observed_list::read() {
    all_figures figures;
    const std::lock_guard lock(mutex_);
    for (observed* const o : all_)
        o->read(figures);
    return figures;
}

} // namespace ferry::detail
