// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_queues.hpp"

#include "frame.hpp"

namespace ferry::detail::cluster {

pool_queues::pool_queues(const cluster_options& options)
    : exchange(exchange_name(options)), tasks(task_queue_name(options)),
      replies(unique_queue_name(reply_prefix)),
      task_options_{.durable = options.durable,
                    .has_priorities = true,
                    .limit = options.broker_queue_limit,
                    .expires_after = std::chrono::hours(24)},
      reply_options_{.durable = options.durable, .expires_after = std::chrono::seconds(60)} {}

void pool_queues::declare_tasks(connection& c) const {
    c.declare_exchange(exchange);
    c.declare_queue(tasks, task_options_);
}

void pool_queues::declare_replies(connection& c) const {
    c.declare_queue(replies, reply_options_);
    c.bind(replies, exchange);
}

} // namespace ferry::detail::cluster
