// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "label_table.hpp"

#include "recorder.hpp"
#include "symbols.hpp"

#include <ferry/unhandled.hpp>

#include <bit>

namespace ferry::detail {

std::string spell_out(const task_label& label) {
    switch (label.how) {
    case task_label::kind::text: return std::string(label.text);
    case task_label::kind::place:
        return std::string(static_cast<const char*>(label.address)) + ':' +
               std::to_string(label.line);
    case task_label::kind::function: return name_of_function(label.address);
    case task_label::kind::type:
        return demangle(static_cast<const std::type_info*>(label.address)->name());
    case task_label::kind::none: break;
    }
    return std::string(label_registry::other);
}

namespace {

task_label with_text(task_label l, std::string_view text) noexcept {
    l.text = text;
    return l;
}

} // namespace

label_entry::label_entry(const task_label& l, std::uint64_t h)
    : text(l.text), label(with_text(l, text)), hash(h),
      record(recorder::instance().name_of(label)) {}

void label_table::grow() {
    std::vector<slot> bigger(slots_.empty() ? 16 : 2 * slots_.size());
    const unsigned shift = 64 - static_cast<unsigned>(std::countr_zero(bigger.size()));
    for (const slot& s : slots_) {
        if (s.counts == nullptr)
            continue;
        std::size_t i = s.hash >> shift;
        while (bigger[i].counts != nullptr)
            i = (i + 1) & (bigger.size() - 1);
        bigger[i] = s;
    }
    slots_.swap(bigger);
    shift_ = shift;
}

// Those beyond the limit come here each time.
label_counts* label_table::add(const task_label& label, std::uint64_t hash) noexcept {
    try {
        const scoped_lock lock(registry_.mutex_);
        label_entry& e = registry_.find(label, hash);
        if (&e == &registry_.rest_) {
            if (other_ == nullptr)
                other_ = &all_.emplace_back(e);
            return other_;
        }
        if (2 * (all_.size() + 1) > slots_.size())
            grow();
        label_counts* const c = &all_.emplace_back(e);
        std::size_t i = hash >> shift_;
        while (slots_[i].counts != nullptr)
            i = (i + 1) & (slots_.size() - 1);
        slots_[i] = {hash, c};
        return c;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

label_registry::label_registry() : rest_(task_label::of_text(other), 0) {}

label_entry& label_registry::find(const task_label& label, std::uint64_t hash) {
    const auto [first, last] = entries_.equal_range(hash);
    for (auto i = first; i != last; ++i) {
        if (i->second.label == label)
            return i->second;
    }
    if (entries_.size() >= most)
        return rest_;
    return entries_
        .emplace(std::piecewise_construct, std::forward_as_tuple(hash),
                 std::forward_as_tuple(label, hash))
        ->second;
}

void label_registry::retire(label_table& table) noexcept {
    const scoped_lock lock(mutex_);
    try {
        for (const auto& c : table.all_)
            retired_[&c.entry].add(c);
    } catch (const std::bad_alloc&) { // then some of them are lost
    }
    table.all_.clear();
    table.slots_.clear();
}

void label_registry::count_cancelled(const task_label& label) noexcept {
    const scoped_lock lock(mutex_);
    try {
        ++find(label, label.hash()).cancelled;
    } catch (const std::bad_alloc&) {
        ++rest_.cancelled;
    }
}

const std::string& label_registry::spelled_out(label_entry& e) {
    if (e.name.empty())
        e.name = spell_out(e.label);
    return e.name;
}

label_entry& label_registry::keep(const task_label& label) {
    const scoped_lock lock(mutex_);
    return find(label, label.hash());
}

std::string label_registry::name_of(label_entry& e) {
    const scoped_lock lock(mutex_);
    return spelled_out(e);
}

label_registry::figures label_registry::read(std::span<const label_table* const> tables) {
    std::unordered_map<label_entry*, pool_stats> sums;
    figures all;
    const scoped_lock lock(mutex_);
    for (auto& [hash, e] : entries_)
        sums[&e].cancelled = e.cancelled;
    sums[&rest_].cancelled = rest_.cancelled;
    for (const auto& [e, c] : retired_)
        c.add_to(sums[e]);
    for (const label_table* const t : tables) {
        for (const auto& c : t->all_)
            c.add_to(sums[&c.entry]);
    }
    for (auto& [e, s] : sums) {
        if (s.completed + s.failed + s.cancelled != 0)
            merge(all[spelled_out(*e)], s);
    }
    return all;
}

void label_registry::merge(pool_stats& to, const pool_stats& s) noexcept {
    to.completed += s.completed;
    to.failed += s.failed;
    to.cancelled += s.cancelled;
    to.queue_wait.add(s.queue_wait);
    to.run_time.add(s.run_time);
}

} // namespace ferry::detail
