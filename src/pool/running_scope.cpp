// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/detail/thread_note.hpp>

#include <cstring>
#include <iterator>

// The task that a thread is in, and what its worker counts and records of it.

namespace ferry::detail {
namespace {

// The innermost task of the calling thread, which may have been interrupted anywhere.
[[maybe_unused]] const bool notes_running = [] {
    thread_note::running = [](note_text& out) noexcept { running_scope::describe(out); };
    return true;
}();

// The record of the task's label, which is written beside where there is none.
std::uint32_t note_label(worker& w, const shared_state_base& task,
                         const label_counts* counts) noexcept {
    if (counts != nullptr && counts->entry.record != 0 && counts->entry.hash != 0)
        return counts->entry.record;
    constexpr std::size_t words = std::size(recording::worker{}.text);
    char text[words * sizeof(std::uint64_t)] = {};
    const task_label label = task.statistics_label();
    if (label.text.empty())
        std::strncpy(text, "other", sizeof text);
    else
        label.text.copy(text, sizeof text - 1);
    for (std::size_t i = 0; i < words; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, text + i * sizeof word, sizeof word);
        w.record.text[i].store(word, std::memory_order_relaxed);
    }
    return UINT32_MAX; // see `text`
}

// What the worker is in, for readers here and outside.
void show(worker& w, const shared_state_base& task, label_counts* counts,
          std::uint32_t label) noexcept {
    w.running_label.store(counts != nullptr ? &counts->entry : nullptr, std::memory_order_relaxed);
    w.record.task.store(reinterpret_cast<std::uintptr_t>(&task), std::memory_order_relaxed);
    w.record.label.store(label, std::memory_order_relaxed);
}

// What few tasks need is apart, so that the others do not save registers for it.
[[gnu::noinline]] label_counts* look_up_and_show(worker& w,
                                                 const shared_state_base& task) noexcept {
    const task_label label = task.statistics_label();
    label_counts* const counts = w.labels.find(label);
    const std::uint32_t record = note_label(w, task, counts);
    show(w, task, counts, record);
    if (task.extra == nullptr && label.how == task_label::kind::type && record != UINT32_MAX) {
        w.last_type = &typeid(task);
        w.last_counts = counts;
        w.last_label = record;
    }
    return counts;
}

[[gnu::noinline]] void measure_start(worker& w, shared_state_base& task, label_counts* counts,
                                     std::uint32_t queued) noexcept {
    const std::uint64_t now = steady_now();
    const bool recorded = (queued & 1) != 0;
    const std::uint32_t stamp = stamp_of(now, recorded);
    const std::uint32_t waited = (stamp | 1) - (queued | 1);
    w.counts.queue_wait.record(waited);
    if (counts != nullptr)
        counts->queue_wait.record(waited);
    task.stamp.store(stamp, std::memory_order_relaxed);
    if (recorded)
        w.core.state().record.write(recording::event::started, task,
                                    counts != nullptr ? counts->entry.record : 0, now);
}

[[gnu::noinline]] void measure_end(worker& w, const shared_state_base& task, label_counts* counts,
                                   std::uint32_t began, bool failed) noexcept {
    const std::uint64_t now = steady_now();
    const std::uint32_t time = stamp_of(now, true) - (began | 1);
    if ((began & 1) != 0)
        w.core.state().record.write(failed ? recording::event::failed : recording::event::completed,
                                    task, counts != nullptr ? counts->entry.record : 0, now);
    w.counts.run_time.record(time);
    if (counts != nullptr)
        counts->run_time.record(time);
}

} // namespace

// Every frame is that of a scope.
inline running_scope* running_scope::innermost_scope() noexcept {
    return static_cast<running_scope*>(innermost_task);
}

running_scope::running_scope(shared_state_base& task) noexcept
    : running_frame{&task, innermost_task},
      context_(task.extra != nullptr ? std::move(task.extra->context) : nullptr) {
    innermost_task = this;
    worker* const w = this_worker();
    if (w == nullptr)
        return;
    if (task.extra == nullptr && w->last_type == &typeid(task)) {
        counts_ = w->last_counts;
        show(*w, task, counts_, w->last_label);
    } else {
        counts_ = look_up_and_show(*w, task);
    }
    if (const std::uint32_t queued = task.stamp.load(std::memory_order_relaxed); queued != 0)
        measure_start(*w, task, counts_, queued);
}

running_scope::~running_scope() {
    FERRY_ASSERT(innermost_scope() == this); // they nest
    innermost_task = outer;
    if (named)
        forget();
    worker* const w = this_worker();
    if (w == nullptr)
        return;
    const running_scope* const around = innermost_scope();
    if (around == nullptr) {
        w->record.label.store(0, std::memory_order_relaxed);
        return;
    }
    label_counts* const c = around->counts_;
    show(*w, *around->task, c, note_label(*w, *around->task, c));
}

void running_scope::finished(bool failed, aftermath what) noexcept {
    worker* const w = this_worker();
    if (w == nullptr)
        return;
    task_counts::increment(failed ? w->counts.failed : w->counts.completed);
    if (counts_ != nullptr)
        task_counts::increment(failed ? counts_->failed : counts_->completed);
    (failed ? w->record.failed : w->record.completed)
        .store((failed ? w->counts.failed : w->counts.completed).load(std::memory_order_relaxed),
               std::memory_order_relaxed);
    if (const std::uint32_t began = task->stamp.load(std::memory_order_relaxed); began != 0)
        measure_end(*w, *task, counts_, began, failed);
    if (w->top != task || what == aftermath::user_code)
        return;
    w->activity.forget_and_end(*task);
    if (what == aftermath::nothing)
        w->core.state().will_look(*w);
}

void running_scope::left() noexcept {
    worker* const w = this_worker();
    if (w != nullptr && w->top == task)
        w->activity.forget_and_be_busy(*task);
}

void running_scope::destroys_outcome(const std::type_info& type) noexcept {
    worker* const w = this_worker();
    if (w != nullptr && w->top == task)
        w->core.destroys_outcome(*w, *task, type);
}

void running_scope::describe(note_text& out) noexcept {
    if (const running_frame* const f = innermost_task)
        f->task->describe(out);
}

bool running_scope::contains(const shared_state_base& task) noexcept {
    for (const running_frame* f = innermost_task; f != nullptr; f = f->outer) {
        if (f->task == &task)
            return true;
    }
    return false;
}

const shared_state_base* running_scope::innermost() noexcept {
    return innermost_task != nullptr ? innermost_task->task : nullptr;
}

} // namespace ferry::detail
