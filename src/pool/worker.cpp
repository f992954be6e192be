// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "future/expiry_threads.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/detail/thread_note.hpp>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iterator>

#include <pthread.h>

namespace ferry::detail {
namespace {

thread_local worker* current_worker = nullptr;
thread_local running_scope* current_scope = nullptr;

// The innermost task of the calling thread, which may have been interrupted anywhere.
[[maybe_unused]] const bool notes_running = [] {
    thread_note::running = [](note_text& out) noexcept { running_scope::describe(out); };
    return true;
}();

} // namespace

void running_scope::describe(note_text& out) noexcept {
    if (const running_scope* const s = current_scope)
        s->task_.describe(out);
}

bool is_own_thread_of(const pool_core& core) noexcept {
    return on_worker_of(&core) || expiring_owner() == &core;
}
worker* this_worker() noexcept { return current_worker; }
void set_this_worker(worker* w) noexcept { current_worker = w; }

std::int64_t coarse_now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
#else
    return std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
#endif
}

// ---- The task that a thread is in ---------------------------------------------------------------

namespace {

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

} // namespace

running_scope::running_scope(shared_state_base& task) noexcept
    : task_(task), outer_(std::exchange(current_scope, this)), frame_{&task, innermost_task},
      context_(task.extra != nullptr ? std::move(task.extra->context) : nullptr) {
    innermost_task = &frame_;
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    if (task.extra == nullptr && w->last_type == &typeid(task)) {
        counts_ = w->last_counts;
    } else {
        const task_label label = task.statistics_label();
        counts_ = w->labels.find(label);
        if (task.extra == nullptr && label.how == task_label::kind::type) {
            w->last_type = &typeid(task);
            w->last_counts = counts_;
        }
    }
    w->running_label.store(counts_ != nullptr ? &counts_->entry : nullptr,
                           std::memory_order_relaxed);
    w->record.task.store(reinterpret_cast<std::uintptr_t>(&task), std::memory_order_relaxed);
    w->record.label.store(note_label(*w, task, counts_), std::memory_order_relaxed);
    if (const std::uint32_t queued = task.stamp.load(std::memory_order_relaxed); queued != 0) {
        const std::uint64_t now = steady_now();
        const bool recorded = (queued & 1) != 0;
        const std::uint32_t stamp = stamp_of(now, recorded);
        const std::uint32_t waited = (stamp | 1) - (queued | 1);
        w->counts.queue_wait.record(waited);
        if (counts_ != nullptr)
            counts_->queue_wait.record(waited);
        task.stamp.store(stamp, std::memory_order_relaxed);
        if (recorded)
            w->core.record(recording::event::started, task,
                           counts_ != nullptr ? counts_->entry.record : 0, now);
    }
}

running_scope::~running_scope() {
    innermost_task = frame_.outer;
    if (frame_.named)
        frame_.forget();
    FERRY_ASSERT(current_scope == this); // they nest
    current_scope = outer_;
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    if (outer_ == nullptr) {
        w->running_label.store(nullptr, std::memory_order_relaxed);
        w->record.label.store(0, std::memory_order_relaxed);
        return;
    }
    label_counts* const c = outer_->counts_;
    w->running_label.store(c != nullptr ? &c->entry : nullptr, std::memory_order_relaxed);
    w->record.task.store(reinterpret_cast<std::uintptr_t>(&outer_->task_),
                         std::memory_order_relaxed);
    w->record.label.store(note_label(*w, outer_->task_, c), std::memory_order_relaxed);
}

void running_scope::finished(bool failed, bool user_code_follows) noexcept {
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    task_counts::increment(failed ? w->counts.failed : w->counts.completed);
    if (counts_ != nullptr)
        task_counts::increment(failed ? counts_->failed : counts_->completed);
    (failed ? w->record.failed : w->record.completed)
        .store((failed ? w->counts.failed : w->counts.completed).load(std::memory_order_relaxed),
               std::memory_order_relaxed);
    if (const std::uint32_t began = task_.stamp.load(std::memory_order_relaxed); began != 0) {
        const std::uint64_t now = steady_now();
        const std::uint32_t time = stamp_of(now, true) - (began | 1);
        if ((began & 1) != 0)
            w->core.record(failed ? recording::event::failed : recording::event::completed, task_,
                           counts_ != nullptr ? counts_->entry.record : 0, now);
        w->counts.run_time.record(time);
        if (counts_ != nullptr)
            counts_->run_time.record(time);
    }
    if (w->top == &task_ && !user_code_follows)
        w->forget(task_, nullptr);
}

void running_scope::left() noexcept {
    worker* const w = current_worker;
    if (w != nullptr && w->top == frame_.task)
        w->forget(*frame_.task, worker::busy());
}

void running_scope::destroys_outcome(const std::type_info& type) noexcept {
    worker* const w = current_worker;
    if (w != nullptr && w->top == frame_.task)
        w->core.destroys_outcome(*w, *frame_.task, type);
}

void worker::forget(shared_state_base& task, shared_state_base* then) noexcept {
    FERRY_ASSERT(this_worker() == this);
    spin_wait pause;
    for (shared_state_base* mine = &task; !current.compare_exchange_strong(mine, then);
         mine = &task)
        pause(); // its label is being read
}

void pool_core::on_claimed_task_removed(shared_state_base& task) noexcept {
    if (task.external() == nullptr && !task.is_in_line())
        claimed_.fetch_sub(1, std::memory_order_relaxed);
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task)
        w->forget(task, nullptr);
}

bool running_scope::contains(const shared_state_base& task) noexcept {
    for (const running_frame* f = innermost_task; f != nullptr; f = f->outer) {
        if (f->task == &task)
            return true;
    }
    return false;
}

const shared_state_base* running_scope::innermost() noexcept {
    return current_scope != nullptr ? &current_scope->task_ : nullptr;
}

// ---- The life of a worker -----------------------------------------------------------------------

void pool_core::work(worker& w) {
    FERRY_ASSERT(this_worker() == nullptr && &w.core == this);
    set_this_worker(&w);
    w.record.thread.store(thread_number());
    struct at_end {
        pool_core& core;
        worker& self;
        ~at_end() {
            set_this_worker(nullptr);
            core.ended(self);
        }
    } const end{*this, w};

    std::string number(1, '_');
    number += std::to_string(w.number);
    const std::string name = options_.thread_name_prefix.substr(0, 15 - number.size()) + number;
    pthread_setname_np(pthread_self(), name.c_str());

    note_stack();
    if (!initialise(w))
        return;
    w.current.store(nullptr);
    loop(w);
    if (options_.finalizer) {
        w.since.store(coarse_now());
        w.current.store(worker::busy());
        try {
            options_.finalizer();
        } catch (...) {
            report_or_unwind();
        }
    }
}

bool pool_core::initialise(worker& w) noexcept {
    if (!options_.initializer)
        return true;
    w.since.store(coarse_now());
    std::string why;
    try {
        try {
            options_.initializer();
            return true;
        } catch (const std::exception& e) {
            why = std::string("the thread pool's initializer failed: ") + e.what();
        } catch (...) {
            why = "the thread pool's initializer failed: it threw an exception not derived from "
                  "std::exception";
        }
    } catch (const std::bad_alloc&) { // then it is told without the reason
    }
    mark_broken(std::move(why));
    return false;
}

void pool_core::loop(worker& w) {
    FERRY_ASSERT(this_worker() == &w);
    while (work_item* r = next(w)) {
        w.top = r;
        try {
            r->run();   // from here on it may be gone
        } catch (...) { // a function without a future
            report_or_terminate();
        }
        w.top = nullptr;
        if (w.current.load(std::memory_order_relaxed) != nullptr) {
            if (w.destroys.load(std::memory_order_relaxed) != nullptr)
                w.destroys.store(nullptr);
            w.current.store(nullptr);
        }
    }
}

// The worker has let go of the task, of which it holds the last reference. Where it called itself
// available before, somebody may have relied on that meanwhile.
void pool_core::destroys_outcome(worker& w, shared_state_base& task,
                                 const std::type_info& type) noexcept {
    FERRY_ASSERT(this_worker() == &w && w.top == &task);
    FERRY_ASSERT(task.done());
    if (task.extra != nullptr && !task.extra->label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label = std::move(task.extra->label);
    } else if (!w.destroys_label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label.clear();
    }
    w.destroys.store(&type);
    shared_state_base* mine = &task;
    if (w.current.compare_exchange_strong(mine, worker::busy()) || mine == worker::busy())
        return;
    if (mine == worker::reading()) { // its label is being read
        w.forget(task, worker::busy());
        return;
    }
    w.current.store(worker::busy());
    if (!inbox_.empty() || backlog_.load())
        after_push(nullptr);
}

// The next item; null when the worker is to end.
work_item* pool_core::next(worker& w) {
    scoped_lock lock(mutex_);
    FERRY_ASSERT(this_worker() == &w && w.top == nullptr);
    FERRY_ASSERT(w.current.load() == nullptr);
    for (;;) {
        if (workers_.size() > limit_.load(std::memory_order_relaxed) && !w.retired) {
            // Others stand in for it.
            w.current.store(worker::busy());
            retire(w);
            sleeper* const other = ready_.empty() && inbox_.empty() ? nullptr : wake_candidate();
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return nullptr;
        }
        work_item* const r = take();
        note_backlog();
        if (r != nullptr) {
            ++w.items_since_sleep;
            const std::int64_t now = coarse_now();
            w.since.store(now, std::memory_order_relaxed);
            w.record.since.store(static_cast<std::uint64_t>(now), std::memory_order_relaxed);
            record_.taken.store(inbox_.taken_tasks() - ready_.tasks(), std::memory_order_relaxed);
            w.current.store(r->is_task() ? static_cast<shared_state_base*>(r) : worker::busy(),
                            std::memory_order_relaxed);
            fifo given_up;
            if (bounded_) {
                if (r->is_task())
                    leave_queue(static_cast<shared_state_base&>(*r));
                if (in_line_.load(std::memory_order_relaxed) != 0)
                    advance_line(given_up);
            }
            const bool more = !ready_.empty() || !inbox_.empty();
            sleeper* const other = more && can_wake_or_start() ? wake_candidate() : nullptr;
            const bool external = !passed_on_.empty();
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            drop_given_up(given_up);
            if (external)
                pass_on();
            return r;
        }
        if (!closed() || !no_work_outstanding()) {
            if (!sleep(w, lock))
                return nullptr;
        } else if (inbox_.empty()) {
            return nullptr;
        } else { // something is just being pushed
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
    }
}

void pool_core::ended(worker& w) noexcept {
    FERRY_ASSERT(this_worker() == nullptr); // it runs no user code any more
    bool left = false;
    {
        scoped_lock lock(mutex_);
        join_finished_threads(lock);
        ended_counts_.add(w.counts);
        labels_.retire(w.labels);
        FERRY_ASSERT(w.detached || to_join_.size() < to_join_.capacity());
        if (!w.detached)
            to_join_.push_back(std::move(w.thread)); // has room
        remove(w.retired || w.detached ? retired_ : workers_, w);
        threads_.store(workers_.size());
        drain();
        left = !ready_.empty();
        gone_.notify_all();
    }
    if (left) // it left work in the queue
        after_push(nullptr);
}

// ---- Its stack ----------------------------------------------------------------------------------

namespace {

thread_local const char* middle_of_stack = nullptr; // null where that is not known
thread_local std::size_t a_few_frames = 0;          // of that stack

} // namespace

void note_stack() noexcept {
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0)
        return;
    void* lowest = nullptr;
    std::size_t size = 0;
    if (::pthread_attr_getstack(&attributes, &lowest, &size) == 0)
        middle_of_stack = static_cast<const char*>(lowest) + size / 2;
    a_few_frames = std::min<std::size_t>(size / 16, 16384);
    ::pthread_attr_destroy(&attributes);
#endif
}

bool is_short_of_stack() noexcept {
    return middle_of_stack != nullptr &&
           static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack;
}

// Whoever refused to help was some frames deeper: where it was short of stack, this is, too. Else
// nobody would run what is waited for.
spare_worker::spare_worker() {
    worker* const w = current_worker;
    if (w != nullptr && middle_of_stack != nullptr &&
        static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack + a_few_frames) {
        w->core.add_spare();
        owner_ = &w->core;
    }
}
spare_worker::~spare_worker() {
    if (owner_ != nullptr)
        static_cast<pool_core*>(owner_)->remove_spare();
}

} // namespace ferry::detail
