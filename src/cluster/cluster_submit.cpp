// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A cluster pool: submitting, and the line of those for whom there is no room.
#include "cluster_core.hpp"

#include "process/wire.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>

namespace ferry::detail::cluster {

void cluster_core::throw_if_closed() const {
    if (!why_broken_.empty())
        throw broken_cluster_pool(why_broken_);
    if (closed_)
        throw shutdown_error();
}

void cluster_core::check_open() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const lock_type lock(mutex_);
    throw_if_closed();
}

void cluster_core::submit(remote_call_ptr c, entrance e) { submit(std::move(c), {.entrance = e}); }

// Finds the names of the code; what follows it in the encoded arguments is the same everywhere.
cluster_core::call_entry cluster_core::translate(remote_call& c, cluster_call how) const {
    call_entry e;
    const code_record& record = record_of_call(c.entry);
    e.entry = key_of(record, options_.match);
    if (record.calls_pointer) {
        byte_source in(c.arguments.bytes());
        e.function = key_of_function(get_code(in), options_.match);
        e.arguments_at = c.arguments.size() - in.remaining();
    }
    const std::size_t size = c.arguments.size() - e.arguments_at;
    if (size > options_.max_message)
        throw std::invalid_argument(
            "cluster_pool: the arguments of the task '" + c.call_label() + "' take " +
            std::to_string(size) + " bytes, and cluster_options::max_message allows " +
            std::to_string(options_.max_message) +
            "; pass a reference to the data, a path or a URL, instead of the data");
    e.bytes = size + how.bytes;
    if (e.bytes < size)
        throw std::invalid_argument("task_options::bytes is too large");
    const int level = std::clamp(c.state().priority, -5, 4) + 5;
    e.level = static_cast<std::size_t>(level);
    e.arguments = std::make_shared<const payload>(std::move(c.arguments));
    e.how = how;
    return e;
}

void cluster_core::submit_all(std::span<const remote_call_ptr> calls) {
    check_open();
    for (const remote_call_ptr& c : calls) {
        try {
            submit(c, detail::entrance::thread);
        } catch (const std::exception&) {
            c->fail(std::current_exception());
        }
    }
}

bool cluster_core::wants_progress(const remote_call& c) noexcept {
    const auto& extra = c.state().extra;
    return extra != nullptr && extra->progress != nullptr;
}

void cluster_core::submit(remote_call_ptr c, cluster_call how) {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    call_entry e = translate(*c, how);
    e.call = c;
    const bool is_own_thread = is_callback_thread(); // which must not wait for itself
    const auto now = clock::now();
    lock_type lock(mutex_);
    throw_if_closed();
    if (options_.max_queue_bytes != 0 && e.bytes > options_.max_queue_bytes)
        refuse(e, admission::decision::too_large);
    const bool bounded = !is_own_thread;
    const bool is_map = e.how.entrance == detail::entrance::map;
    if (bounded && !is_map)
        refuse_if_slow(e, now);
    const bool may_enter = !bounded || (line_.empty() && has_room_for(e));
    if (!may_enter && options_.when_full == when_full::reject && !is_map)
        refuse(e, admission::decision::full);
    start_threads();
    if (wants_progress(*c))
        jobs_.start_reports(shared_from_this());
    if (!is_map) {
        const auto latest = options_.max_wait.limit() ? options_.max_wait.deadline() : std::nullopt;
        if (latest && (!e.how.start_by || *latest < *e.how.start_by))
            e.how.start_by = latest;
    }
    const bool blocks = !may_enter && e.how.entrance != detail::entrance::coroutine;
    const auto turned_away = blocks ? std::make_shared<bool>(false) : nullptr;
    e.turned_away = turned_away;
    const std::uint64_t number = ++numbers_;
    c->number = number;
    c->submitted_ns = wire::now_ns();
    figures_.submitted(*c);
    call_entry& entry = calls_.emplace(number, std::move(e)).first->second;
    if (may_enter) {
        enter(number, entry);
        return;
    }
    entry.in_line = true;
    line_.push_back(number);
    if (entry.how.start_by) {
        line_deadlines_.emplace(*entry.how.start_by, number);
        consumer_.wake().signal();
    }
    if (!blocks)
        return;
    for (auto it = calls_.find(number); it != calls_.end() && it->second.in_line;
         it = calls_.find(number))
        lock.wait(changed_);
    if (*turned_away) {
        lock.unlock();
        throw shutdown_error();
    }
}

void cluster_core::enter(std::uint64_t number, call_entry& e) {
    const auto& how = e.how;
    ++unstarted_by_level_[e.level];
    e.counted = true;
    ledger_.add(number, {how.idempotent, how.attempts, how.start_by, e.bytes}, clock::now());
    figures_.queue_has(ledger_.unstarted());
    publisher_.wake().signal();
    if (how.start_by || !ledger_.connected())
        consumer_.wake().signal(); // which watches the time
    const auto now = clock::now();
    if (how.start_by && workers_known() == 0 && now - asked_who_ > std::chrono::milliseconds(500)) {
        asked_who_ = now;
        control_.push_back({exchange_, {}, write_frame(who_frame{reply_to_})});
    }
}

// ---- Admission ----------------------------------------------------------------------------------

bool cluster_core::has_room_for(const call_entry& e) const noexcept {
    if (options_.max_queue != 0 && ledger_.unstarted() >= options_.max_queue)
        return false;
    return options_.max_queue_bytes == 0 || ledger_.unstarted() == 0 ||
           e.bytes + ledger_.unstarted_bytes() <= options_.max_queue_bytes;
}

// Lets in, from the front, those for whom there is room now.
void cluster_core::advance_line() {
    bool any = false;
    while (!line_.empty()) {
        const auto it = calls_.find(line_.front());
        BOOST_ASSERT(it != calls_.end());
        if (!has_room_for(it->second))
            break;
        const std::uint64_t number = it->first;
        leave_line(number, it->second);
        enter(number, it->second);
        any = true;
    }
    if (any)
        changed_.notify_all();
}

void cluster_core::leave_line(std::uint64_t number, call_entry& e) {
    e.in_line = false;
    if (!line_.empty() && line_.front() == number)
        line_.pop_front();
    else
        line_.erase(std::find(line_.begin(), line_.end(), number));
    if (e.how.start_by)
        line_deadlines_.erase({*e.how.start_by, number});
}

void cluster_core::expire_line(clock::time_point now, outcomes& out) {
    while (!line_deadlines_.empty() && line_deadlines_.begin()->first <= now) {
        const auto it = calls_.find(line_deadlines_.begin()->second);
        BOOST_ASSERT(it != calls_.end());
        figures_.failed(*it->second.call);
        auto error = error_or_shortage([&] {
            return make_error<timeout_error>("the task '" + it->second.call->call_label() +
                                             "' did not start in time");
        });
        end_call(it, std::move(error), out);
        changed_.notify_all();
    }
}

std::chrono::nanoseconds cluster_core::estimate(std::size_t level) const noexcept {
    std::size_t ahead = line_.size();
    for (std::size_t i = level; i != unstarted_by_level_.size(); ++i)
        ahead += unstarted_by_level_[i];
    const auto workers = static_cast<double>(std::max<std::size_t>(1, workers_known()));
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(ahead) * mean_run_ns_ / workers));
}

void cluster_core::refuse(const call_entry& e, admission::decision why) const {
    const remote_call& c = *e.call;
    const admission_request request{.bytes = e.bytes, .priority = c.state().priority};
    std::rethrow_exception(refusal(why, "the cluster pool '" + options_.name + "'", c.state(),
                                   request, admission_limits::of(options_),
                                   ledger_.unstarted() + line_.size(), estimate(e.level)));
}

void cluster_core::refuse_if_slow(const call_entry& e, clock::time_point now) const {
    const auto most = options_.max_wait.limit();
    if (!most)
        return;
    if (most->count() == 0 && (free_workers() == 0 || !line_.empty()))
        refuse(e, admission::decision::too_slow);
    const auto wait = estimate(e.level);
    if (free_workers() == 0 && (wait > *most || (e.how.start_by && wait > *e.how.start_by - now)))
        refuse(e, admission::decision::too_slow);
}

} // namespace ferry::detail::cluster
