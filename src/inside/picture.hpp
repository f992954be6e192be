// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "recording.hpp"

#include <ferry/config.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ferry::detail {

/// What a recording tells at one moment, copied, spelled out and checked: the process may be
/// another one, which goes on meanwhile, and may have written anything.
struct picture {
    /// A worker of a pool. `label` is empty if it runs no task.
    struct worker {
        std::uint32_t number, record;
        std::int32_t thread;
        std::uint64_t since, task;
        std::string label;
        std::uint64_t completed, failed;
    };
    /// A task that was seen to be queued.
    struct task {
        std::uint64_t id, since;
        std::string label;
    };
    struct event {
        std::uint64_t at, task;
        std::string label;
        std::int32_t thread;
        std::uint32_t kind; // of recording::event
    };
    struct pool {
        std::string name;
        std::uint32_t kind; // of recording::pool
        std::uint32_t max_workers;
        std::uint64_t queued;
        std::vector<worker> workers;
        std::vector<event> events; // the oldest first
        std::vector<task>
            waiting; // those of the queued tasks that the events tell of; the oldest first
    };
    struct node {
        std::uint32_t number, parent, kind; // of recording::node
        std::int32_t thread;
        std::uint64_t since, task;
        std::string label;
    };

    std::uint32_t pid = 0;
    std::uint64_t now = 0; // of the same clock
    std::uint64_t hidden_pools = 0;
    std::vector<pool> pools;
    std::vector<node> nodes;

    const node* find_node(std::uint32_t number) const noexcept;
};

/// Names a function of the process that recorded.
using function_namer = std::function<std::string(std::uint64_t address)>;

/// Takes a picture. Each function is looked up once.
FERRY_DECL picture take_picture(const recording::layout& of, std::uint64_t now,
                                const function_namer& namer);

} // namespace ferry::detail
