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

void job_threads::falls_asleep() noexcept {
    job_queue reports = [this] {
        const annotated_lock lock(mutex_);
        return queue_.divert_reports();
    }();
    while (!reports.empty()) {
        remote_call& c = reports.take();
        reports_->post(boost::intrusive_ptr<shared_state_base>(&c.state(), false), c);
    }
}

void job_threads::wakes_up() noexcept {
    const annotated_lock lock(mutex_);
    queue_.accept_reports();
}

void job_threads::start(const std::shared_ptr<void>& keep) {
    const annotated_lock lock(mutex_);
    if (!threads_.empty())
        return;
    keep_ = keep;
    add_thread(keep);
}

void job_threads::add_thread(const std::shared_ptr<void>& keep) {
    const signals_blocked quiet;
    threads_.emplace_front([this, kept = keep]() mutable {
        run();
        kept.reset();
    });
    ++waiting_;
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
        if (!queue_.accepts(c)) {
            lock.unlock();
            reports_->post(std::move(share), c);
            return;
        }
        if (!finished_ && !threads_.empty()) {
            static_cast<void>(share.detach());
            queue_.push(c);
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
    std::uint64_t before = queue_.taken();
    auto until = timeout::clock::now() + patience;
    while (!queue_.empty() && !running_.empty()) {
        const bool late = lock.wait_until(spare_, until) == std::cv_status::timeout;
        if (queue_.taken() != before) {
            before = queue_.taken();
            until = timeout::clock::now() + patience;
        } else if (late) {
            break;
        }
    }
}

// Prefers the thread that worked last, because the memory that it allocates is still in its cache.
// May return without a job.
void job_threads::wait_for_job(annotated_lock& lock) noexcept {
    if (queue_.empty() && !finished_ && !first_waits_) {
        first_waits_ = true;
        while (queue_.empty() && !finished_)
            lock.wait(changed_);
        first_waits_ = false;
    } else if (queue_.empty() || first_waits_) {
        while ((queue_.empty() || first_waits_) && !finished_)
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
        if (queue_.empty()) {
            if (finished_)
                break;
            continue;
        }
        FERRY_ASSERT(waiting_ != 0 && (kind_ == kind::spared || running_.empty()));
        --waiting_;
        while (!queue_.empty())
            run_first(lock);
        ++waiting_;
        idle_.notify_all();
    }
    FERRY_ASSERT(waiting_ != 0);
    --waiting_;
    idle_.notify_all();
}

void job_threads::run_first(annotated_lock& lock) noexcept {
    remote_call& c = queue_.take();
    add_spare();
    boost::intrusive_ptr<shared_state_base> share(&c.state(), false);
    running_jobs::job mine(c, timeout::clock::now());
    running_.add(mine);
    lock.unlock();
    run(c);
    lock.lock();
    mine.call = nullptr;
    lock.unlock();
    share.reset();
    lock.lock();
    running_.remove(mine);
}

std::forward_list<std::thread> job_threads::close() noexcept {
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
    for (std::thread& t : close())
        t.join();
}

// They run what there is, and share ownership of what they need.
void job_threads::leave_behind() noexcept {
    for (std::thread& t : close())
        t.detach();
}

bool job_threads::is_this_thread() const noexcept { return these_threads == this; }

} // namespace ferry::detail
