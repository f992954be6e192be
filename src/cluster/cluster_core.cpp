// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A cluster pool: its end, its statistics, and what its tasks ask of it.
#include "cluster_core.hpp"

#include "process/signals_blocked.hpp"
#include "process/wire.hpp"
#include "support/fork_count.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace ferry::detail::cluster {
namespace {

std::string default_name() {
    static std::atomic<unsigned> count{0};
    return "cluster-" + std::to_string(++count);
}
cluster_options with_name(cluster_options o) {
    if (o.name.empty())
        o.name = default_name();
    return o;
}

} // namespace

cluster_core::cluster_core(cluster_options options, broker_address address)
    : options_(with_name(std::move(options))), address_(std::move(address)), forks_(fork_count()),
      tasks_name_(task_queue_name(options_)), exchange_(exchange_name(options_)),
      reply_to_(unique_queue_name(reply_prefix)), store_(0),
      decoders_(job_threads::kind::spared, remote_call::job::decoding, "ferry-decoder"),
      callbacks_(job_threads::kind::one, remote_call::job::reports_or_callbacks, "ferry-callbacks"),
      ledger_({*options_.heartbeat.limit(), options_.connect_limit.limit(), options_.durable},
              clock::now()) {}

cluster_core::~cluster_core() = default;

bool cluster_core::is_forked_copy() const noexcept { return forks_ != fork_count(); }
void cluster_core::abandon_after_fork() {
    static_cast<void>(new std::shared_ptr<cluster_core>(shared_from_this()));
}

// All of them before the first task, so that whoever asks hears where there are none to be had.
void cluster_core::start_threads() {
    if (consumer_.joinable())
        return;
    const signals_blocked quiet;
    const auto self = shared_from_this();
    callbacks_.start(self);
    decoders_.start(self);
    publisher_ = std::thread([self] { self->run_publisher(); });
    ++threads_;
    try {
        consumer_ = std::thread([self] { self->run_consumer(); });
        ++threads_;
    } catch (...) {
        why_broken_ = "a thread of the pool could not be started";
        done_ = true;
        wake_publisher_.signal();
        throw;
    }
}

// ---- What tasks ask for -------------------------------------------------------------------------

void cluster_core::dropped(remote_call& c, bool expired) noexcept {
    if (is_forked_copy())
        return;
    outcomes gone; // freed without the lock
    const lock_type lock(mutex_);
    const auto it = calls_.find(c.number);
    if (it == calls_.end())
        return;
    ledger::actions todo;
    ledger_.remove(c.number, todo);
    perform(todo, gone);
    ++(expired ? counts_.failed : counts_.cancelled);
    end_call(it, nullptr, gone);
    --finishing_; // whoever calls this publishes
    changed_.notify_all();
}

bool cluster_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy() || !c.stops)
        return false;
    const lock_type lock(mutex_);
    const auto it = calls_.find(c.number);
    if (it == calls_.end() || it->second.started_ns == 0)
        return false;
    tell_hosts(c.number, {}, true);
    return true;
}

bool cluster_core::cancel_running(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    outcomes out;
    {
        const lock_type lock(mutex_);
        const auto it = calls_.find(c.number);
        if (it == calls_.end())
            return true; // its outcome is on its way
        ledger::actions todo;
        ledger_.remove(c.number, todo);
        perform(todo, out);
        ++counts_.cancelled;
        end_call(it, nullptr, out);
    }
    complete_calls(out);
    return true;
}

void cluster_core::tell_hosts(std::uint64_t number, const std::string& host, bool only_ask) {
    const auto it = calls_.find(number);
    if (it == calls_.end() && only_ask)
        return;
    control_.push_back({host.empty() ? exchange_ : std::string(), host,
                        write_frame(cancel_frame{reply_to_, only_ask, {number}})});
    wake_publisher_.signal();
}

// ---- What the ledger asks for -------------------------------------------------------------------

void cluster_core::perform(ledger::actions& all, outcomes& out) {
    using what = ledger::what;
    for (const ledger::action& a : all) {
        const auto it = calls_.find(a.number);
        switch (a.kind) {
        case what::started:
            if (it != calls_.end()) {
                it->second.started_ns = wire::now_ns();
                if (std::exchange(it->second.counted, false))
                    --unstarted_by_level_[it->second.level];
                it->second.call->state().try_start();
            }
            break;
        case what::again: wake_publisher_.signal(); break;
        case what::tell_hosts: tell_hosts(a.number, a.text, false); break;
        case what::ask_hosts:
            control_.push_back({exchange_, {}, write_frame(ask_frame{reply_to_})});
            wake_publisher_.signal();
            break;
        default:
            if (it != calls_.end()) {
                ++counts_.failed;
                end_call(it, error_for(a, it->second), out);
            }
        }
    }
    all.clear();
    advance_line();
}

std::string cluster_core::builds_text() const {
    std::set<std::string> builds;
    for (const auto& [name, h] : ledger_.hosts()) {
        if (!h.build.empty())
            builds.insert(h.build);
    }
    std::string text;
    for (const auto& b : builds)
        text += (text.empty() ? "" : ", ") + b;
    return text.empty() ? "no host has answered" : "hosts have answered for " + text;
}

std::exception_ptr cluster_core::error_for(const ledger::action& a, const call_entry& e) {
    using what = ledger::what;
    return error_or_shortage([&]() -> std::exception_ptr {
        const std::string task = "the task '" + e.call->call_label() + "'";
        if (a.kind == what::died)
            return make_error<worker_died>(task + ": " + a.text);
        if (a.kind == what::full)
            return make_error<queue_full_error>(task + ": " + a.text, ledger_.unstarted(),
                                                estimate(e.level));
        const std::string tried = ledger_.out_of_reach_since() && !last_error_.empty()
                                      ? "; the broker is out of reach, after " +
                                            std::to_string(failed_connects_) +
                                            " attempts: " + last_error_
                                      : "";
        if (a.kind == what::unreachable)
            return make_error<no_worker_error>(
                task + " has waited for the broker for " + detail::text_of(options_.connect_limit) +
                (tried.empty() ? "; the broker is out of reach" : tried));
        const bool served =
            std::any_of(ledger_.hosts().begin(), ledger_.hosts().end(),
                        [this](const auto& h) { return h.second.build == tasks_name_; });
        if (served && tried.empty())
            return make_error<timeout_error>(task + " did not start in time");
        return make_error<no_worker_error>(task + " did not start in time: no host serves '" +
                                           tasks_name_ + "'; " + builds_text() + tried);
    });
}

void cluster_core::end_call(calls::iterator it, std::exception_ptr error, outcomes& out) {
    call_entry& e = it->second;
    if (e.counted)
        --unstarted_by_level_[e.level];
    if (e.in_line)
        leave_line(it->first, e);
    out.push_back({std::move(e.call), std::move(error)});
    calls_.erase(it);
    ++finishing_;
    advance_line();
}

// Without the lock.
void cluster_core::complete_calls(outcomes& all) noexcept {
    for (pending_outcome& o : all) {
        if (o.error != nullptr)
            o.call->fail(std::move(o.error));
        else
            o.call->finish_cancelled();
    }
    if (all.empty())
        return;
    const lock_type lock(mutex_);
    finishing_ -= all.size();
    all.clear();
    changed_.notify_all();
}

// ---- The end ------------------------------------------------------------------------------------

std::size_t cluster_core::close(bool cancel) {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    outcomes out;
    std::vector<remote_call_ptr> all;
    {
        const lock_type lock(mutex_);
        closed_ = true;
        while (!line_.empty()) {
            const auto it = calls_.find(line_.front());
            ++counts_.failed;
            if (it->second.turned_away != nullptr)
                *it->second.turned_away = true;
            end_call(it, make_error<shutdown_error>(), out);
        }
        if (cancel) {
            for (const auto& [number, e] : calls_)
                all.push_back(e.call);
        }
        changed_.notify_all();
    }
    complete_calls(out);
    std::size_t cancelled = 0;
    for (const auto& c : all)
        cancelled += c->state().cancel() ? 1 : 0;
    return cancelled;
}

void cluster_core::join() {
    std::thread first;
    std::thread second;
    {
        lock_type lock(mutex_);
        changed_.wait(lock, [this] { return (calls_.empty() && finishing_ == 0); });
        done_ = true;
        wake_publisher_.signal();
        wake_consumer_.signal();
        // What is left to be said is said, unless the broker does not listen.
        while (
            !changed_.wait_for(lock, std::chrono::seconds(1), [this] { return threads_ == 0; })) {
            for (connection* const c : {publishing_, consuming_}) {
                if (c != nullptr)
                    c->interrupt();
            }
        }
        first.swap(publisher_);
        second.swap(consumer_);
    }
    if (first.joinable())
        first.join();
    if (second.joinable())
        second.join();
    decoders_.finish();
    callbacks_.finish();
}

shutdown_report cluster_core::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    std::uint64_t before = 0;
    {
        const lock_type lock(mutex_);
        before = counts_.completed + counts_.failed;
    }
    close(false);
    {
        lock_type lock(mutex_);
        const auto ended = [this] { return calls_.empty() && finishing_ == 0; };
        if (deadline)
            changed_.wait_until(lock, *deadline, ended);
        else
            changed_.wait(lock, ended);
        report.finished = static_cast<std::size_t>(counts_.completed + counts_.failed - before);
    }
    report.dropped = close(true);
    std::vector<remote_call_ptr> stuck;
    {
        const lock_type lock(mutex_);
        const std::int64_t now = wire::now_ns();
        for (const auto& [number, e] : calls_) {
            report.stuck.push_back(
                {e.call->call_label(), std::chrono::nanoseconds(now - e.started_ns)});
            stuck.push_back(e.call);
        }
    }
    outcomes out;
    {
        const lock_type lock(mutex_);
        for (const auto& c : stuck) {
            const auto it = calls_.find(c->number);
            if (it == calls_.end())
                continue;
            ledger::actions todo;
            ledger_.remove(c->number, todo);
            perform(todo, out);
            ++counts_.failed;
            end_call(it, error_or_shortage([&] {
                         return make_error<worker_died>("the task '" + c->call_label() +
                                                        "' was still running when its pool ended");
                     }),
                     out);
        }
    }
    complete_calls(out);
    join();
    return report;
}

void cluster_core::mark_broken(const std::string& why) noexcept {
    outcomes out;
    {
        const lock_type lock(mutex_);
        if (!why_broken_.empty())
            return;
        why_broken_ = why;
        while (!calls_.empty()) {
            const auto it = calls_.begin();
            ledger::actions unneeded;
            ledger_.remove(it->first, unneeded);
            ++counts_.failed;
            end_call(it, error_or_shortage([&] { return make_error<broken_cluster_pool>(why); }),
                     out);
        }
        done_ = true;
        wake_publisher_.signal();
        wake_consumer_.signal();
        for (connection* const c : {publishing_, consuming_}) {
            if (c != nullptr)
                c->interrupt();
        }
    }
    complete_calls(out);
}

// Whatever waits for a connection that is dead waits no more.
void cluster_core::interrupt_if_dead(connection* const& other) noexcept {
    const lock_type lock(mutex_);
    if (other != nullptr)
        other->interrupt_if_dead();
}

// ---- Statistics ---------------------------------------------------------------------------------

std::size_t cluster_core::workers_known() const noexcept {
    std::size_t n = 0;
    for (const auto& [name, h] : ledger_.hosts()) {
        if (h.build == tasks_name_)
            n += h.workers;
    }
    return n;
}

std::size_t cluster_core::free_workers() const noexcept {
    const std::size_t all = workers_known();
    const std::size_t busy = ledger_.running() + ledger_.unstarted();
    return all > busy ? all - busy : 0;
}

std::size_t cluster_core::max_workers() const noexcept {
    const lock_type lock(mutex_);
    return workers_known();
}

pool_stats cluster_core::stats() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const lock_type lock(mutex_);
    pool_stats s = counts_;
    s.workers = workers_known();
    s.queued = ledger_.unstarted();
    s.running = ledger_.running();
    s.idle = s.workers > s.running ? s.workers - s.running : 0;
    return s;
}

} // namespace ferry::detail::cluster
