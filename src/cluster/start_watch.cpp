// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "start_watch.hpp"

#include <algorithm>
#include <utility>

namespace ferry::detail::cluster {

void start_watch::add(const task_id& id, clock::time_point now) {
    looks_.emplace(now + first_pause, look{id, first_pause});
}

std::vector<start_watch::look> start_watch::take_due(clock::time_point now) {
    std::vector<look> all;
    while (!looks_.empty() && looks_.begin()->first <= now)
        all.push_back(std::move(looks_.extract(looks_.begin()).mapped()));
    return all;
}

void start_watch::again(look l, clock::time_point now) {
    l.pause = std::min(2 * l.pause, longest_pause);
    const auto at = now + l.pause;
    looks_.emplace(at, std::move(l));
}

std::optional<start_watch::clock::time_point> start_watch::next_time() const {
    return looks_.empty() ? std::nullopt : std::optional(looks_.begin()->first);
}

} // namespace ferry::detail::cluster
