// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/cluster/cluster_pool.hpp>

#include "cluster_core.hpp"

namespace ferry {

cluster_pool::cluster_pool(cluster_options options) {
    auto address = detail::cluster::check_options(options);
    core_ = std::make_shared<detail::cluster::cluster_core>(std::move(options), std::move(address));
    detail::observed_list::instance().add(*core_);
}

cluster_pool::~cluster_pool() {
    detail::observed_list::instance().remove(*core_);
    if (core_->is_forked_copy()) {
        core_->abandon_after_fork();
        return;
    }
    core_->shutdown().close(false);
    core_->shutdown().join();
}

void cluster_pool::shutdown(shutdown_options options) {
    if (options.wait && core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    core_->shutdown().close(options.cancel_futures);
    if (options.wait)
        core_->shutdown().join();
}

shutdown_report cluster_pool::shutdown(timeout limit) {
    if (core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    return core_->shutdown().close_within(limit);
}

std::size_t cluster_pool::max_workers() const noexcept { return core_->max_workers(); }
const std::string& cluster_pool::name() const noexcept { return core_->name(); }
pool_stats cluster_pool::stats() const { return core_->report().all(); }
std::map<std::string, pool_stats, std::less<>> cluster_pool::stats_by_label() const {
    return core_->report().by_label();
}
std::shared_ptr<detail::cluster_host> cluster_pool::host() const noexcept { return core_; }

} // namespace ferry
