// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "recording.hpp"

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/task_label.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace ferry::detail {

/// The recording of this process, as those who write into it see it. It is made with the first
/// pool; a child of fork() makes one of its own. Without memory for the file, there are no records,
/// and everything goes on without.
///
/// Records are given out and taken back under the lock; what is in one belongs to who has it.
class FERRY_DECL recorder {
public:
    static recorder& instance() noexcept;

    /// Null where nothing can be recorded.
    const recording::layout* layout() const noexcept { return file_; }

    /// 0 where there is no record left.
    std::uint32_t add_pool(std::uint32_t kind, const std::string& name,
                           std::size_t max_workers) noexcept;
    void remove_pool(std::uint32_t number) noexcept;
    std::uint32_t add_worker(std::uint32_t pool, std::uint32_t number) noexcept;
    void remove_worker(std::uint32_t record) noexcept;
    /// The record of that name; 0 where there is none left.
    std::uint32_t name_of(const task_label& label) noexcept;

    std::uint32_t add_node(std::uint32_t kind, std::uint32_t parent, const void* task,
                           std::uint32_t pool, const task_label& label) noexcept;
    const recording::node& node(std::uint32_t number) const noexcept {
        return file_->nodes[number - 1];
    }
    void remove_node(std::uint32_t node) noexcept;

    recording::pool* pool(std::uint32_t number) noexcept {
        return number != 0 ? &file_->pools[number - 1] : nullptr;
    }
    recording::worker* worker(std::uint32_t record) noexcept {
        return record != 0 ? &file_->workers[record - 1] : nullptr;
    }
    /// Writes an event of a pool that has a record.
    void record(std::uint32_t pool, std::uint32_t kind, const void* task, std::uint32_t label,
                std::uint64_t at) noexcept;

private:
    class free_list {
    public:
        void reset(std::uint32_t size) noexcept { size_ = size; }
        /// The number of a record, from 1, or 0.
        std::uint32_t take() noexcept;
        void give(std::uint32_t number) noexcept;

    private:
        std::uint32_t size_ = 0, used_ = 0;
        std::vector<std::uint32_t> returned_;
    };

    explicit recorder(unsigned forks) noexcept;

    recording::layout* file_ = nullptr; // constant
    const unsigned forks_;
    adaptive_mutex mutex_;
    free_list pools_ FERRY_GUARDED_BY(mutex_);
    free_list workers_ FERRY_GUARDED_BY(mutex_);
    adaptive_mutex nodes_mutex_;
    free_list nodes_ FERRY_GUARDED_BY(nodes_mutex_);
    adaptive_mutex names_mutex_;
    std::uint32_t names_ FERRY_GUARDED_BY(names_mutex_) = 0;
    std::unordered_multimap<std::uint64_t, std::uint32_t>
        known_names_ FERRY_GUARDED_BY(names_mutex_);
};

/// The number of the calling thread in the system.
std::int32_t thread_number() noexcept;
/// Nanoseconds of the steady clock.
FERRY_DECL std::uint64_t steady_now() noexcept;

} // namespace ferry::detail
