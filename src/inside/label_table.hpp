// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "task_counts.hpp"

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/task_label.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace ferry::detail {

class label_registry;

/// One label of a pool, or all those for which there was no room.
struct label_entry {
    label_entry(const task_label& l, std::uint64_t h);

    const std::string text; // what the label refers to
    const task_label label;
    const std::uint64_t hash;
    const std::uint32_t record; // of the name, for readers outside; 0 if there is none
    std::string name; // spelled out when it was first read; guarded by the registry's mutex
    std::uint64_t cancelled = 0; // guarded by the registry's mutex
};

/// The counts of one worker for one label.
struct label_counts : task_counts {
    explicit label_counts(label_entry& e) noexcept : entry(e) {}
    label_entry& entry;
};

/// The counts of one worker for each label that it has met. The worker looks its label up without a
/// lock, since nobody else changes the table; it adds one under the registry's.
class FERRY_DECL label_table {
public:
    explicit label_table(label_registry& r) : registry_(r) {} // whose deque allocates

    /// The counts for that label; null where there is no memory for them. For the worker.
    label_counts* find(const task_label& label) noexcept {
        const std::uint64_t hash = label.hash();
        if (!slots_.empty()) {
            const std::size_t mask = slots_.size() - 1;
            for (std::size_t i = hash >> shift_; slots_[i].counts != nullptr; i = (i + 1) & mask) {
                if (slots_[i].hash == hash && slots_[i].counts->entry.label == label)
                    return slots_[i].counts;
            }
        }
        return add(label, hash);
    }

private:
    friend class label_registry;
    struct slot {
        std::uint64_t hash = 0;
        label_counts* counts = nullptr;
    };

    label_counts* add(const task_label& label, std::uint64_t hash) noexcept;
    void grow();

    label_registry& registry_;
    std::vector<slot> slots_; // at most half full
    unsigned shift_ = 64;     // the upper bits of a hash are the place
    label_counts* other_ = nullptr;
    std::deque<label_counts> all_; // guarded by the registry's mutex
};

/// The labels of a pool, of which it keeps a limited number apart.
class FERRY_DECL label_registry {
public:
    static constexpr std::size_t most = 1000;
    static constexpr std::string_view other = "other";

    label_registry();

    using figures = std::map<std::string, pool_stats, std::less<>>;
    /// Counts of the tables of workers that are no more; its own table is for who holds a lock.
    void retire(label_table& table) noexcept FERRY_EXCLUDES(mutex_);
    void count_cancelled(const task_label& label) noexcept FERRY_EXCLUDES(mutex_);

    /// Sums up what was retired and what is in those tables.
    figures read(std::span<const label_table* const> tables) FERRY_EXCLUDES(mutex_);
    /// The label among those that are kept apart, or the rest; it lives as long as this.
    label_entry& keep(const task_label& label) FERRY_EXCLUDES(mutex_);
    std::string name_of(label_entry& e) FERRY_EXCLUDES(mutex_);

private:
    friend class label_table;

    static void merge(pool_stats& to, const pool_stats& s) noexcept;
    label_entry& find(const task_label& label, std::uint64_t hash) FERRY_REQUIRES(mutex_);
    const std::string& spelled_out(label_entry& e) FERRY_REQUIRES(mutex_);

    adaptive_mutex mutex_;
    std::unordered_multimap<std::uint64_t, label_entry> entries_ FERRY_GUARDED_BY(mutex_);
    label_entry rest_ FERRY_GUARDED_BY(mutex_);
    std::unordered_map<label_entry*, task_counts> retired_ FERRY_GUARDED_BY(mutex_);
};

/// The name of a label as statistics show it: a symbol or a type is looked up, which takes time.
std::string spell_out(const task_label& label);

} // namespace ferry::detail
