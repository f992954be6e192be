// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A cluster pool: its end, its statistics, and what its tasks ask of it.
#include "cluster_core.hpp"

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
      publisher_(options_, address_, "pool, publishing"),
      consumer_(options_, address_, "pool, consuming"),
      ledger_({*options_.heartbeat.limit(), options_.connect_limit.limit(), options_.durable},
              clock::now()),
      figures_(options_.name, 0, recording::pool::cluster) {}

cluster_core::~cluster_core() = default;

bool cluster_core::is_forked_copy() const noexcept { return forks_ != fork_count(); }
void cluster_core::abandon_after_fork() {
    static_cast<void>(new std::shared_ptr<cluster_core>(shared_from_this()));
}

// All of them before the first task, so that whoever asks hears where there are none to be had.
void cluster_core::start_threads() {
    if (consumer_.has_started())
        return;
    jobs_.start(shared_from_this());
    publisher_.start("ferry-publish", steps_of(&cluster_core::publish));
    try {
        consumer_.start("ferry-consume", steps_of(&cluster_core::consume));
    } catch (...) {
        why_broken_ = "a thread of the pool could not be started";
        done_ = true;
        publisher_.wake().signal();
        throw;
    }
}

// Of the thread with that use of its connections, which also looks after the other one's.
kept_connection::steps cluster_core::steps_of(void (cluster_core::*use)(connection&)) {
    const bool consumes = use == &cluster_core::consume;
    const auto self = shared_from_this();
    kept_connection::steps s;
    s.is_done = [self] {
        const lock_type lock(self->mutex_);
        return self->done_;
    };
    s.use = [self, use](connection& c) { (self.get()->*use)(c); };
    s.lost = [self](const std::exception& e, bool refused) {
        if (refused) {
            self->mark_broken(e.what());
            return false;
        }
        const lock_type lock(self->mutex_);
        self->last_error_ = e.what();
        ++self->failed_connects_;
        return true;
    };
    s.pause = [self, consumes] {
        if (!consumes) {
            self->consumer_.interrupt_if_dead();
            return clock::time_point::max();
        }
        self->watch_time();
        self->publisher_.interrupt_if_dead();
        return self->next_time();
    };
    return s;
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
    expired ? figures_.failed(c) : figures_.cancelled(c);
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
        figures_.cancelled(c);
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
    publisher_.wake().signal();
}

// ---- What the ledger asks for -------------------------------------------------------------------

void cluster_core::perform(ledger::actions& all, outcomes& out) {
    using what = ledger::what;
    for (const ledger::action& a : all) {
        const auto it = calls_.find(a.number);
        switch (a.kind) {
        case what::started:
            if (it != calls_.end()) {
                note_start(it->second, a.text);
                if (std::exchange(it->second.counted, false))
                    --unstarted_by_level_[it->second.level];
                it->second.call->state().try_start();
            }
            break;
        case what::again:
            if (it != calls_.end())
                note_end_of_run(it->second);
            publisher_.wake().signal();
            break;
        case what::tell_hosts: tell_hosts(a.number, a.text, false); break;
        case what::ask_hosts:
            control_.push_back({exchange_, {}, write_frame(ask_frame{reply_to_})});
            publisher_.wake().signal();
            break;
        default:
            if (it != calls_.end()) {
                figures_.failed(*it->second.call);
                end_call(it, error_for(a, it->second), out);
            }
        }
    }
    all.clear();
    advance_line();
    figures_.queue_has(ledger_.unstarted());
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
        mutex_.assert_held();
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
    note_end_of_run(e);
    out.push_back({std::move(e.call), std::move(error)});
    calls_.erase(it);
    ++finishing_;
    advance_line();
    figures_.queue_has(ledger_.unstarted());
}

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
            figures_.failed(*it->second.call);
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
    join_connections();
    jobs_.finish();
}

void cluster_core::join_connections() {
    {
        lock_type lock(mutex_);
        while (!have_all_ended())
            lock.wait(changed_);
        done_ = true;
    }
    publisher_.wake().signal();
    consumer_.wake().signal();
    publisher_.finish(std::chrono::seconds(1));
    consumer_.finish(std::chrono::seconds(1));
}

shutdown_report cluster_core::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    std::uint64_t before = 0;
    {
        const lock_type lock(mutex_);
        before = figures_.all().completed + figures_.all().failed;
    }
    close(false);
    {
        lock_type lock(mutex_);
        while (!have_all_ended()) {
            if (!deadline)
                lock.wait(changed_);
            else if (lock.wait_until(changed_, *deadline) == std::cv_status::timeout)
                break;
        }
        report.finished =
            static_cast<std::size_t>(figures_.all().completed + figures_.all().failed - before);
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
            figures_.failed(*it->second.call);
            end_call(it, error_or_shortage([&] {
                         return make_error<worker_died>("the task '" + c->call_label() +
                                                        "' was still running when its pool ended");
                     }),
                     out);
        }
    }
    complete_calls(out);
    join_connections();
    jobs_.finish_by(deadline, report);
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
            figures_.failed(*it->second.call);
            end_call(it, error_or_shortage([&] { return make_error<broken_cluster_pool>(why); }),
                     out);
        }
        done_ = true;
        publisher_.wake().signal();
        consumer_.wake().signal();
        publisher_.interrupt();
        consumer_.interrupt();
    }
    complete_calls(out);
}

} // namespace ferry::detail::cluster
