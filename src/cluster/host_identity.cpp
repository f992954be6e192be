// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_identity.hpp"

#include <ferry/config.hpp>

#include <cstdint>
#include <unistd.h>
#include <utility>

namespace ferry::detail::cluster {

host_identity::host_identity(cluster_options o, cluster_worker_options w)
    : options(std::move(o)), worker_options(std::move(w)), address(check_options(options)),
      tasks_name(task_queue_name(options)), exchange(exchange_name(options)),
      name(unique_queue_name(host_prefix)), beat(*options.heartbeat.limit()) {}

report host_identity::announcement(std::size_t workers, bool leaving) const {
    const std::string version = std::to_string(FERRY_VERSION / 10000) + "." +
                                std::to_string(FERRY_VERSION / 100 % 100) + "." +
                                std::to_string(FERRY_VERSION % 100);
    return {.key = {},
            .body = write_frame(announce_frame{name, tasks_name, version,
                                               static_cast<std::uint32_t>(workers),
                                               static_cast<std::int32_t>(::getpid()), leaving}),
            .exchange = exchange};
}

report host_identity::announcement_to(const std::string& reply_to, std::size_t workers) const {
    report r = announcement(workers, false);
    r.key = reply_to;
    r.exchange.clear();
    return r;
}

report host_identity::started(const task_id& id) const {
    return {id.reply_to, write_frame(started_frame{id.number, id.round, name, beat_ms()})};
}

report host_identity::declined(const task_id& id, decline_reason why) const {
    return {id.reply_to, write_frame(declined_frame{id.number, id.round, why}), id};
}

report host_identity::beat_to(const std::string& reply_to, host_ledger::known_tasks known) const {
    return {reply_to, write_frame(beat_frame{name, beat_ms(), std::move(known.running),
                                             std::move(known.held)})};
}

} // namespace ferry::detail::cluster
