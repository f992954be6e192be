// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "frame.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace ferry::detail::cluster {

/// The hosts that a pool has heard of, as they have described themselves: what they serve, and how
/// often they will be heard of. It knows no clock and no lock.
///
/// A host is here from its first frame until it says that it leaves, or is given up because of its
/// silence. One that has not announced itself serves nothing.
class known_hosts {
public:
    using duration = std::chrono::nanoseconds;

    /// It says how often it makes a beat.
    void heard(const std::string& name, duration beat) { hosts_[name].beat = beat; }
    void announced(const announce_frame& f);
    /// Until it is heard of again.
    void forget(const std::string& name) { hosts_.erase(name); }

    std::size_t size() const noexcept { return hosts_.size(); }
    /// How often the host makes a beat; `unknown` until it has said so.
    duration beat_of(const std::string& name, duration unknown) const;
    /// The process of the host on its own machine, or 0.
    std::int32_t pid_of(const std::string& name) const;
    /// Whether any host serves that task queue, and the workers of all that do.
    bool is_served(const std::string& queue) const noexcept;
    std::size_t workers_for(const std::string& queue) const noexcept;
    /// The task queues that are served.
    std::set<std::string> served() const;

private:
    struct host {
        std::string queue; ///< the task queue that it serves
        std::uint32_t workers = 0;
        std::int32_t pid = 0;
        duration beat{}; ///< zero: not known
    };

    std::map<std::string, host> hosts_; // by the name of their own queues
};

} // namespace ferry::detail::cluster
