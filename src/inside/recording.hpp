// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

/// What a process writes about itself, and the program `ferry` reads: the layout of a memory file.
///
/// A reader may stop anywhere and may be another process, so each member is read by itself, and a
/// reader believes nothing. Numbers of records count from 1; 0 is none. Times are nanoseconds of
/// CLOCK_MONOTONIC. Whoever changes the layout changes `version`.
namespace ferry::detail::recording {

inline constexpr char file_name[] = "ferry";
inline constexpr std::uint64_t magic = 0x31'44'43'52'59'52'46'00; // "FRYRCD1"
inline constexpr std::uint32_t version = 1;

inline constexpr std::uint32_t most_names = 4096, most_pools = 64, most_workers = 2048,
                               most_nodes = 8192, events_of_pool = 16384;

template <class T>
using field = std::atomic<T>;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct header {
    field<std::uint64_t> magic_number; // written last
    field<std::uint32_t> layout_version;
    field<std::uint32_t> pid; // as the process itself sees it
    field<std::uint64_t> size;
    field<std::uint64_t> started_at;
    field<std::uint64_t> hidden_pools; // for which there was no record
};

/// What something is called; constant once `kind` is set.
struct name {
    enum : std::uint32_t { none, text, place, function, type };
    static constexpr std::size_t room = 104;

    field<std::uint32_t> kind;
    field<std::uint32_t> line;    // of a place
    field<std::uint64_t> address; // of a function
    std::uint64_t pad;
    char characters[room]; // ends with 0
};

struct pool {
    enum : std::uint32_t { unused, threads, processes, cluster };
    static constexpr std::size_t room = 64;

    field<std::uint32_t> kind;
    field<std::uint32_t> max_workers;
    char name[room]; // ends with 0
    // Apart, since different threads write them.
    alignas(64) field<std::uint64_t> pushed; // tasks that came into the queue
    alignas(64) field<std::uint64_t> taken;  // and that were taken out again
    alignas(64) field<std::int64_t> claimed; // those that are in it, but cancelled
    field<std::int64_t> elsewhere; // tasks that wait in front of another executor, such as a strand
    alignas(64) field<std::uint64_t> events; // written since the start
};

struct alignas(64) worker {
    field<std::uint32_t> pool;  // 0: the record is unused
    field<std::int32_t> thread; // or the process; of a cluster, that of the host
    field<std::uint64_t> since; // when it took what it runs
    field<std::uint64_t> task;  // that it runs; 0: none
    field<std::uint32_t> label; // of the task; 0: it runs none
    field<std::uint32_t> number;
    field<std::uint64_t> completed;
    field<std::uint64_t> failed;
    field<std::uint64_t> text[8]; // the label, where there is no record for its name
};

/// Something that waits, or that others belong to.
struct alignas(64) node {
    enum : std::uint32_t { unused, run, gather, group, wait_for, context, child, await, blocked };

    field<std::uint32_t> kind;
    field<std::uint32_t> parent;
    field<std::uint32_t> label; // of the task that is waited for
    field<std::int32_t> thread; // that began it
    field<std::uint64_t> since;
    field<std::uint64_t> task; // that is waited for
    field<std::uint32_t> pool; // of the task
    std::uint32_t pad;
};

struct event {
    enum : std::uint32_t { unused, submitted, started, completed, failed, cancelled, resumed };

    field<std::uint64_t> at; // 0 while it is being written
    field<std::uint64_t> task;
    field<std::uint32_t> label;
    field<std::int32_t> thread;
    field<std::uint32_t> kind;
    std::uint32_t pad;
};

struct layout {
    header head;
    name names[most_names];
    pool pools[most_pools];
    worker workers[most_workers];
    node nodes[most_nodes];
    event events[most_pools][events_of_pool];
};

} // namespace ferry::detail::recording
