// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_record.hpp"

#include "worker.hpp"

#include <new>

namespace ferry::detail {

pool_record::pool_record(adaptive_mutex& lock, const thread_pool_options& options)
    : number_(recorder::instance().add_pool(recording::pool::threads, options.name,
                                            options.max_workers)),
      shown_(number_ != 0 ? *recorder::instance().pool(number_) : none_), sampler_(lock) {}

pool_record::~pool_record() { recorder::instance().remove_pool(number_); }

void pool_record::measure(shared_state_base& task) noexcept {
    const std::uint64_t now = steady_now();
    const bool recorded = sampler_.records();
    task.stamp.store(stamp_of(now, recorded), std::memory_order_relaxed);
    if (!recorded)
        return;
    std::uint32_t label = 0;
    try {
        label = labels_.keep(task.statistics_label()).record;
    } catch (const std::bad_alloc&) { // then it goes without
    }
    write(recording::event::submitted, task, label, now);
}

void pool_record::on_cancelled(const shared_state_base& task) noexcept {
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    labels_.count_cancelled(task.statistics_label());
    if (task.is_recorded())
        write(recording::event::cancelled, task, 0, steady_now());
}

} // namespace ferry::detail
