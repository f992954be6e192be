// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "known_hosts.hpp"

#include <algorithm>

namespace ferry::detail::cluster {

void known_hosts::announced(const announce_frame& f) {
    if (f.leaving) {
        hosts_.erase(f.host);
        return;
    }
    host& h = hosts_[f.host];
    h.queue = f.build;
    h.workers = f.workers;
    h.pid = f.pid;
}

known_hosts::duration known_hosts::beat_of(const std::string& name, duration unknown) const {
    const auto it = hosts_.find(name);
    return it != hosts_.end() && it->second.beat.count() != 0 ? it->second.beat : unknown;
}

std::int32_t known_hosts::pid_of(const std::string& name) const {
    const auto it = hosts_.find(name);
    return it != hosts_.end() ? it->second.pid : 0;
}

bool known_hosts::is_served(const std::string& queue) const noexcept {
    return std::ranges::any_of(hosts_, [&](const auto& h) { return h.second.queue == queue; });
}

std::size_t known_hosts::workers_for(const std::string& queue) const noexcept {
    std::size_t n = 0;
    for (const auto& [name, h] : hosts_) {
        if (h.queue == queue)
            n += h.workers;
    }
    return n;
}

std::set<std::string> known_hosts::served() const {
    std::set<std::string> queues;
    for (const auto& [name, h] : hosts_) {
        if (!h.queue.empty())
            queues.insert(h.queue);
    }
    return queues;
}

} // namespace ferry::detail::cluster
