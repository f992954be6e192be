// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process_pool.hpp>

#include "check_options.hpp"
#include "confinement.hpp"
#include "process_core.hpp"
#include "program.hpp"
#include "worker_main.hpp"

#include <atomic>
#include <stdexcept>

namespace ferry {

process_pool::process_pool(process_pool_options options) {
    if (options.executable.empty() && !detail::worker_entry_was_called())
        throw std::logic_error(
            "process_pool: main() must begin with ferry::run_worker_if_spawned(), "
            "since the workers are this program, started again");
    // A worker learns from its environment that it is one, and a privileged program ignores that.
    if (detail::is_privileged())
        throw std::logic_error("process_pool: a set-user-ID program, or one with capabilities of "
                               "its file, cannot have worker processes, since nothing that its "
                               "caller may have put into the environment is believed there");
    detail::check(options);
    if (options.limits.processes && *options.limits.processes != 0)
        // Throws if no control group can be made.
        static_cast<void>(detail::pids_group(*options.limits.processes));
    detail::check_confinement({options.sandbox, options.limits.processes == std::size_t(0)});
    if (detail::worker_depth() >= detail::wire::max_depth)
        throw std::logic_error("process_pool: pools in the workers of pools are nested " +
                               std::to_string(detail::wire::max_depth) +
                               " deep, which is the limit");
    static std::atomic<unsigned> pools{0};
    const unsigned number = pools.fetch_add(1);
    if (options.name.empty())
        options.name = "process-" + std::to_string(number);
    auto core = std::make_shared<detail::process_core>(std::move(options));
    core_ = core.get();
    host_ = std::move(core);
    detail::observed_list::instance().add(*core_);
}

process_pool::process_pool(std::size_t max_workers)
    : process_pool(process_pool_options{.max_workers = max_workers}) {}

process_pool::~process_pool() {
    detail::observed_list::instance().remove(*core_);
    if (core_->is_forked_copy()) {
        core_->abandon_after_fork();
        return;
    }
    auto end = core_->shutdown();
    end.close(false);
    end.join();
}

void process_pool::shutdown(shutdown_options options) {
    if (options.wait && core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    auto end = core_->shutdown();
    end.close(options.cancel_futures);
    if (options.wait)
        end.join();
}

shutdown_report process_pool::shutdown(timeout limit) {
    if (core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    return core_->shutdown().close_within(limit);
}

void process_pool::terminate_workers() { core_->shutdown().end_workers(true); }
void process_pool::kill_workers() { core_->shutdown().end_workers(false); }

void process_pool::pardon_all() { core_->pardon_all(); }

std::size_t process_pool::max_workers() const noexcept { return core_->options().max_workers; }

const std::string& process_pool::name() const noexcept { return core_->options().name; }

pool_stats process_pool::stats() const { return core_->report().all(); }

std::map<std::string, pool_stats, std::less<>> process_pool::stats_by_label() const {
    return core_->report().by_label();
}

} // namespace ferry
