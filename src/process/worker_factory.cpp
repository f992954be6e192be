// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_factory.hpp"

#include "worker_main.hpp"

namespace ferry::detail {
namespace {

// The threads of a worker itself, which its control group counts as well.
constexpr std::size_t own_threads = 2;

scheduling scheduling_of(const process_pool_options& options) {
    scheduling s = scheduling::of_this_thread();
    if (!options.cpus.empty())
        s.set_processors(options.cpus);
    s.add_nice(options.nice);
    return s;
}

worker_setup setup_of(const process_pool_options& o) {
    return {.open_files = o.limits.open_files,
            .file_size = o.limits.file_size,
            .sandbox = static_cast<std::uint32_t>(o.sandbox),
            .no_processes = o.limits.processes == std::size_t(0),
            .limits_memory = o.limits.memory != 0,
            .measures_cpu = o.limits.cpu_time.limited()};
}

} // namespace

worker_factory::worker_factory(const process_pool_options& options)
    : options_(options), program_(options.executable, options.arguments),
      depth_(worker_depth() + 1), how_scheduled_(scheduling_of(options)) {
    for (const auto* const init : {&options.initializer, &options.finalizer}) {
        if (*init)
            program_.check(init->call_->entry);
    }
}

std::unique_ptr<worker_channel> worker_factory::make(std::uint32_t id, segment_store& store) const {
    child_options how;
    how.depth = depth_;
    how.environment = options_.environment;
    how.working_directory = options_.working_directory;
    how.how_scheduled = how_scheduled_;
    how.program = &program_;
    how.setup = setup_of(options_);
    const auto& first = options_.initializer;
    const auto& last = options_.finalizer;
    auto w = std::make_unique<worker_channel>(
        id, how,
        worker_settings{.max_tasks = options_.max_tasks_per_child,
                        .most_memory = options_.max_memory_per_child,
                        .idle = options_.idle_timeout,
                        .start_calls = (first ? 1u : 0u) + (last ? 1u : 0u)});
    if (limit_watch limits(options_.limits); limits.is_needed())
        w->limits.emplace(limits);
    if (const auto& most = options_.limits.processes; most && *most != 0) {
        w->group.emplace(*most + own_threads);
        w->group->add(w->process->pid());
    }
    if (last)
        w->send_start_call(wire::frame_kind::finalise, *last.call_, store);
    if (first)
        w->send_start_call(wire::frame_kind::initialise, *first.call_, store);
    return w;
}

} // namespace ferry::detail
