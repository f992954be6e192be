// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/stats.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace ferry::detail {

/// What metrics tell of a pool.
struct pool_figures {
    std::string name;
    std::size_t max_workers = 0;
    pool_stats all;
    std::map<std::string, pool_stats, std::less<>> by_label;
    struct worker {
        std::int64_t pid;
        std::uint64_t resident_bytes;
    };
    std::vector<worker> processes; // empty for threads
};

/// What metrics tell of a circuit breaker.
struct breaker_figures {
    std::string key;
    std::string state; // closed, open, half-open
    std::uint64_t rejected = 0;
    std::uint64_t opened = 0;
};

/// What metrics tell of a watched loop.
struct loop_figures {
    std::string name;
    histogram lag;          // from the post to the run of what the watch posts
    std::uint64_t late = 0; // reports
};

struct all_figures {
    std::vector<pool_figures> pools;
    std::vector<std::vector<breaker_figures>> breakers; // of each registry
    std::vector<loop_figures> loops;
};

/// Something that metrics tell of. It takes itself out of the list before it ends.
class observed {
public:
    observed(const observed&) = delete;
    observed& operator=(const observed&) = delete;
    /// Adds its figures; its own locks may be taken.
    virtual void read(all_figures& to) = 0;

protected:
    observed() = default;
    virtual ~observed() = default;
};

/// All that is observed, in the order of its construction. Of a process: a child of fork() begins
/// anew, since the lock may be held forever there.
class FERRY_DECL observed_list {
public:
    static observed_list& instance();

    void add(observed& o);
    void remove(observed& o) noexcept;
    all_figures read();

private:
    std::mutex mutex_; // held while one is read, so that it cannot end meanwhile
    std::vector<observed*> all_;
};

} // namespace ferry::detail
