// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process_pool.hpp>

#include "confinement.hpp"
#include "process_core.hpp"
#include "program.hpp"
#include "worker_main.hpp"

#include <stdexcept>

namespace ferry {

process_pool::process_pool(process_pool_options options) {
    if (options.executable.empty() && !detail::worker_entry_was_called())
        throw std::logic_error(
            "process_pool: main() must begin with ferry::run_worker_if_spawned(), "
            "since the workers are this program, started again");
    // Its worker could not tell that it is one: that would be for the environment to say.
    if (detail::is_privileged())
        throw std::logic_error("process_pool: a set-user-ID program, or one with capabilities of "
                               "its file, cannot have worker processes, since nothing that its "
                               "caller may have put into the environment is believed there");
    if (options.max_workers == 0 || options.max_workers > 65536)
        throw std::invalid_argument("process_pool_options::max_workers must be 1 to 65536, not " +
                                    std::to_string(options.max_workers));
    if (options.limits.processes && *options.limits.processes != 0)
        static_cast<void>(detail::pids_group(*options.limits.processes)); // throws if there is none
    detail::check_confinement({options.sandbox, options.limits.processes == std::size_t(0)});
    if (detail::worker_depth() >= detail::wire::max_depth)
        throw std::logic_error("process_pool: pools in the workers of pools are nested " +
                               std::to_string(detail::wire::max_depth) +
                               " deep, which is the limit");
    auto core = std::make_shared<detail::process_core>(std::move(options));
    core_ = core.get();
    host_ = std::move(core);
}

process_pool::process_pool(std::size_t max_workers)
    : process_pool(process_pool_options{.max_workers = max_workers}) {}

process_pool::~process_pool() {
    if (core_->is_forked_copy()) {
        core_->forsake();
        return;
    }
    core_->close(false);
    core_->join();
}

void process_pool::shutdown(shutdown_options options) {
    if (options.wait && core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    core_->close(options.cancel_futures);
    if (options.wait)
        core_->join();
}

shutdown_report process_pool::shutdown(timeout limit) {
    if (core_->is_callback_thread())
        throw would_deadlock("shutdown with wait from one of the pool's own callbacks");
    return core_->close_within(limit);
}

void process_pool::terminate_workers() { core_->end_workers(true); }
void process_pool::kill_workers() { core_->end_workers(false); }

std::size_t process_pool::max_workers() const noexcept { return core_->options().max_workers; }

pool_stats process_pool::stats() const { return core_->stats(); }

} // namespace ferry
