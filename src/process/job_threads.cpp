// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "job_threads.hpp"

#include "signals_blocked.hpp"

#include <ferry/detail/assert.hpp>

#include <pthread.h>

#include <utility>

namespace ferry::detail {
namespace {

thread_local const job_threads* these_threads = nullptr;

constexpr std::chrono::milliseconds patience(20);

} // namespace

job_threads::~job_threads() = default;

void job_threads::append(remote_call& c) noexcept {
    next_of(c) = nullptr;
    (first_ != nullptr ? next_of(*last_) : first_) = &c;
    last_ = &c;
}

void job_threads::falls_asleep() noexcept {
    remote_call* reports = nullptr; // in the opposite order
    {
        const annotated_lock lock(mutex_);
        ++asleep_;
        remote_call* all = std::exchange(first_, nullptr);
        while (all != nullptr) {
            remote_call& c = *std::exchange(all, next_of(*all));
            if (c.has_report_job())
                next_of(c) = std::exchange(reports, &c);
            else
                append(c);
        }
    }
    while (reports != nullptr) {
        remote_call& c = *std::exchange(reports, next_of(*reports));
        reports_->post(boost::intrusive_ptr<shared_state_base>(&c.state(), false), c);
    }
}

void job_threads::wakes_up() noexcept {
    const annotated_lock lock(mutex_);
    --asleep_;
}

void job_threads::start(const std::shared_ptr<void>& keep) {
    const annotated_lock lock(mutex_);
    if (threads_ != nullptr)
        return;
    keep_ = keep;
    add_thread(keep);
}

void job_threads::add_thread(const std::shared_ptr<void>& keep) {
    const signals_blocked quiet;
    auto fresh = std::make_unique<seat>();
    fresh->thread = std::thread([this, kept = keep]() mutable {
        run();
        kept.reset();
    });
    ++waiting_;
    fresh->next = std::move(threads_);
    threads_ = std::move(fresh);
}

// If no thread can be started, the next job tries again, and the existing threads do the work.
void job_threads::add_spare() noexcept {
    if (kind_ == kind::one || waiting_ != 0 || finished_)
        return;
    if (const auto keep = keep_.lock()) {
        try {
            add_thread(keep);
        } catch (const std::exception&) {
        }
    }
}

void job_threads::post(boost::intrusive_ptr<shared_state_base> share, remote_call& c) noexcept {
    {
        annotated_lock lock(mutex_);
        if (reports_ != nullptr && asleep_ != 0 && c.has_report_job()) {
            lock.unlock();
            reports_->post(std::move(share), c);
            return;
        }
        if (!finished_ && threads_ != nullptr) {
            static_cast<void>(share.detach());
            append(c);
            add_spare();
            (first_waits_ ? changed_ : spare_).notify_one();
            return;
        }
    }
    run(c);
}

// A thread that works takes the next job soon, unless its own job takes long, so this one waits
// until no job has been taken for the time of `patience`.
void job_threads::leave_to_others(annotated_lock& lock) noexcept {
    std::uint64_t before = taken_;
    auto until = timeout::clock::now() + patience;
    while (first_ != nullptr && working_ != 0) {
        const bool late = lock.wait_until(spare_, until) == std::cv_status::timeout;
        if (taken_ != before) {
            before = taken_;
            until = timeout::clock::now() + patience;
        } else if (late) {
            break;
        }
    }
}

// Prefers the thread that worked last, because the memory that it allocates is still in its cache.
// May return without a job.
void job_threads::wait_for_job(annotated_lock& lock) noexcept {
    if (first_ == nullptr && !finished_ && !first_waits_) {
        first_waits_ = true;
        while (first_ == nullptr && !finished_)
            lock.wait(changed_);
        first_waits_ = false;
    } else if (first_ == nullptr || first_waits_) {
        while ((first_ == nullptr || first_waits_) && !finished_)
            lock.wait(spare_);
        leave_to_others(lock);
    }
}

void job_threads::run() noexcept {
    pthread_setname_np(pthread_self(), name_);
    these_threads = this;
    if (reports_ != nullptr)
        observe_sleep(this);
    annotated_lock lock(mutex_);
    for (;;) {
        wait_for_job(lock);
        if (first_ == nullptr) {
            if (finished_)
                break;
            continue;
        }
        FERRY_ASSERT(waiting_ != 0 && (kind_ == kind::spared || working_ == 0));
        --waiting_;
        ++working_;
        while (first_ != nullptr)
            run_first(lock);
        --working_;
        ++waiting_;
        idle_.notify_all();
    }
    FERRY_ASSERT(waiting_ != 0);
    --waiting_;
    idle_.notify_all();
}

void job_threads::run_first(annotated_lock& lock) noexcept {
    remote_call& c = *first_;
    first_ = next_of(c);
    ++taken_;
    add_spare();
    boost::intrusive_ptr<shared_state_base> share(&c.state(), false);
    current_job mine{&c, timeout::clock::now(), jobs_};
    jobs_ = &mine;
    lock.unlock();
    run(c);
    lock.lock();
    mine.call = nullptr;
    lock.unlock();
    share.reset();
    lock.lock();
    current_job** at = &jobs_;
    while (*at != &mine)
        at = &(*at)->next;
    *at = mine.next;
}

timeout::clock::time_point job_threads::oldest() const noexcept {
    auto first = timeout::clock::time_point::max();
    for (const current_job* j = jobs_; j != nullptr; j = j->next)
        first = std::min(first, j->since);
    return first;
}

std::unique_ptr<job_threads::seat> job_threads::close() noexcept {
    const annotated_lock lock(mutex_);
    finished_ = true;
    changed_.notify_all();
    spare_.notify_all();
    return std::move(threads_);
}

void job_threads::finish() noexcept {
    if (is_this_thread()) {
        leave_behind(); // the other threads may wait for the job of this one
        return;
    }
    for (auto all = close(); all != nullptr; all = std::move(all->next))
        all->thread.join();
}

// They run what there is, and share ownership of what they need.
void job_threads::leave_behind() noexcept {
    for (auto all = close(); all != nullptr; all = std::move(all->next))
        all->thread.detach();
}

bool job_threads::is_this_thread() const noexcept { return these_threads == this; }

} // namespace ferry::detail
