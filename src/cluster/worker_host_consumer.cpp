// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A worker host: the thread that takes tasks, and the end.
#include "worker_host.hpp"

#include <ferry/config.hpp>
#include <ferry/detail/scope_exit.hpp>

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace ferry::detail::cluster {
namespace {

constexpr std::size_t batch = 64;
constexpr std::chrono::milliseconds longest_pause(20); // in watching for a start
// For the reports of tasks that were ended, once the workers have been.
constexpr std::chrono::seconds last_words(5);

queue_options task_queue(const cluster_options& o) {
    return {.durable = o.durable,
            .has_priorities = true,
            .limit = o.broker_queue_limit,
            .expires_after = std::chrono::hours(24)};
}

} // namespace

worker_host::worker_host(cluster_options options, cluster_worker_options worker_options)
    : options_(std::move(options)), worker_options_(std::move(worker_options)),
      address_(check_options(options_)), tasks_name_(task_queue_name(options_)),
      exchange_(exchange_name(options_)), name_(unique_queue_name(host_prefix)),
      beat_(*options_.heartbeat.limit()), pool_(worker_options_.processes),
      publisher_(options_, address_, "host, publishing"),
      consumer_(options_, address_, "host, consuming"), ledger_(pool_.max_workers()) {}

worker_host::~worker_host() {
    pool_.shutdown(); // its threads use what is destroyed before it
}

void worker_host::ask_to_end() noexcept {
    asked_to_end_.fetch_add(1);
    consumer_.wake().signal();
}

int worker_host::run() {
    const auto lost = [this](const std::exception& e, bool refused) {
        return may_go_on(e, refused);
    };
    publisher_.start("ferry-publish", {.is_done =
                                           [this] {
                                               const lock_type lock(mutex_);
                                               return done_;
                                           },
                                       .use = [this](connection& c) { publish(c); },
                                       .lost = lost,
                                       .pause = [] { return clock::time_point::max(); }});
    consumer_.run({.is_done = [this] { return is_over(); },
                   .use = [this](connection& c) { consume(c); },
                   .lost = lost,
                   .pause =
                       [this] {
                           watch_time(nullptr);
                           publisher_.interrupt_if_dead();
                           return next_time();
                       }});
    pool_.kill_workers();
    std::string failure;
    {
        const lock_type lock(mutex_);
        done_ = true;
        failure = failure_;
    }
    publisher_.wake().signal();
    publisher_.finish(std::chrono::seconds(failure.empty() ? 1 : 0));
    if (failure.empty())
        return 0;
    std::fprintf(stderr, "ferry: serve_cluster_worker: %s\n", failure.c_str());
    return 1;
}

// Notes why the broker refuses this host; true if it is worth trying again.
bool worker_host::may_go_on(const std::exception& e, bool refused) {
    if (dynamic_cast<const connection_error*>(&e) == nullptr)
        std::fprintf(stderr, "ferry: %s\n", e.what());
    if (!refused)
        return true;
    const lock_type lock(mutex_);
    if (failure_.empty())
        failure_ = e.what();
    done_ = true;
    publisher_.wake().signal();
    consumer_.wake().signal();
    return false;
}

announce_frame worker_host::announcement(bool leaving) const {
    const std::string version = std::to_string(FERRY_VERSION / 10000) + "." +
                                std::to_string(FERRY_VERSION / 100 % 100) + "." +
                                std::to_string(FERRY_VERSION % 100);
    return {name_,
            tasks_name_,
            version,
            static_cast<std::uint32_t>(pool_.max_workers()),
            static_cast<std::int32_t>(::getpid()),
            leaving};
}

// ---- The consuming thread -----------------------------------------------------------------------

void worker_host::consume(connection& c) {
    c.declare_exchange(exchange_);
    c.declare_queue(tasks_name_, task_queue(options_));
    c.declare_queue(name_, {.expires_after = std::chrono::seconds(60)});
    c.bind(name_, exchange_);
    c.set_prefetch(0);
    c.consume(name_, "notes", true);
    consumer_.is_of_use();
    {
        const lock_type lock(mutex_);
        say({{}, write_frame(announcement(false)), {}, exchange_});
    }
    const scope_exit at_end([this] { lose_deliveries(); });
    consume_until_done(c);
}

void worker_host::lose_deliveries() {
    const lock_type lock(mutex_);
    host_ledger::actions actions;
    to_do nothing;
    ledger_.connection_lost(actions);
    perform(actions, nothing);
    acknowledgements_.clear();
}

void worker_host::consume_until_done(connection& c) {
    bool draining = false;
    std::size_t prefetch = 0;
    {
        const lock_type lock(mutex_);
        draining = ledger_.draining();
        prefetch = ledger_.prefetch();
    }
    if (!draining) {
        c.set_prefetch(prefetch);
        c.consume(tasks_name_, "tasks", true);
    }
    while (!is_over()) {
        consumer_.wake().clear();
        bool any = false;
        for (std::size_t n = 0; n != batch; ++n) {
            const event e = c.next();
            if (e.what == event::kind::nothing)
                break;
            any = true;
            if (e.what == event::kind::no_consumer)
                throw connection_error("a queue of this host was deleted", false);
            if (e.what == event::kind::delivery)
                handle(c, e);
        }
        std::vector<std::uint64_t> tags;
        {
            const lock_type lock(mutex_);
            tags.swap(acknowledgements_);
        }
        for (const std::uint64_t tag : tags)
            c.acknowledge(tag);
        watch_time(&c);
        publisher_.interrupt_if_dead();
        if (!any && tags.empty())
            c.wait(consumer_.wake().file(), next_time());
    }
    c.delete_queue(name_);
}

void worker_host::handle(connection& c, const event& e) {
    std::string why;
    const auto f = read_frame(e.body, why);
    const auto* const task = f ? std::get_if<task_frame>(&*f) : nullptr;
    if (task == nullptr)
        c.acknowledge(e.tag);
    if (!f) {
        std::fprintf(stderr, "ferry: a message of %zu bytes is refused: %s\n", e.body.size(),
                     why.c_str());
        return;
    }
    to_do todo;
    {
        const lock_type lock(mutex_);
        host_ledger::actions actions;
        if (task != nullptr) {
            if (!tasks_.contains(task->id))
                tasks_[task->id] = {.frame = *task, .keep = e.keep};
            ledger_.delivered(task->id, e.tag, e.redelivered, actions);
        } else if (const auto* const cancel = std::get_if<cancel_frame>(&*f)) {
            ledger_.cancelled(*cancel, actions);
        } else if (const auto* const ask = std::get_if<ask_frame>(&*f)) {
            tell_all(ask->reply_to, ledger_.known(ask->reply_to));
        } else if (const auto* const who = std::get_if<who_frame>(&*f)) {
            if (!ledger_.draining())
                say({who->reply_to, write_frame(announcement(false))});
        }
        perform(actions, todo);
    }
    do_now(todo);
}

void worker_host::tell_all(const std::string& reply_to, host_ledger::known_tasks known) {
    // What the local pool has not started is only held.
    std::vector<std::uint64_t> running;
    for (std::size_t i = 0; i + 1 < known.running.size(); i += 2) {
        const auto it = tasks_.find(
            {reply_to, known.running[i], static_cast<std::uint32_t>(known.running[i + 1])});
        auto& to = it == tasks_.end() || it->second.has_started ? running : known.held;
        to.insert(to.end(), {known.running[i], known.running[i + 1]});
    }
    say({reply_to,
         write_frame(beat_frame{name_, std::chrono::ceil<std::chrono::milliseconds>(beat_),
                                std::move(running), std::move(known.held)})});
}

worker_host::clock::time_point worker_host::next_time() const {
    const lock_type lock(mutex_);
    auto at = next_beat_;
    if (!stops_.empty())
        at = std::min(at, clock::now() + std::chrono::milliseconds(10));
    if (!starts_.empty())
        at = std::min(at, starts_.begin()->first);
    if (drain_until_ && !ended_workers_)
        at = std::min(at, *drain_until_);
    if (give_up_at_)
        at = std::min(at, *give_up_at_);
    return at;
}

void worker_host::watch_time(connection* c) {
    if (asked_to_end_.load() != 0)
        begin_to_drain(c);
    const auto now = clock::now();
    std::vector<boost::intrusive_ptr<call_type>> again;
    {
        const lock_type lock(mutex_);
        again.swap(stops_);
    }
    for (const auto& call : again)
        ask_to_stop(call);
    watch_starts(now);
    bool end_workers = false;
    {
        const lock_type lock(mutex_);
        if (next_beat_ <= now) {
            next_beat_ = now + beat_;
            for (const auto& [reply_to, known] : ledger_.known()) {
                if (!known.running.empty() || !known.held.empty())
                    tell_all(reply_to, known);
            }
        }
        end_workers =
            drain_until_ && !ended_workers_ && (*drain_until_ <= now || asked_to_end_.load() > 1);
        if (end_workers) {
            ended_workers_ = true;
            give_up_at_ = now + last_words;
        }
    }
    if (end_workers)
        pool_.kill_workers();
}

// Reports the calls that local workers run by now, and looks at the others again: a worker may
// have to be started first.
void worker_host::watch_starts(clock::time_point now) {
    struct due {
        start_watch watch;
        boost::intrusive_ptr<call_type> call;
    };
    std::vector<due> all;
    {
        const lock_type lock(mutex_);
        while (!starts_.empty() && starts_.begin()->first <= now) {
            start_watch w = std::move(starts_.extract(starts_.begin()).mapped());
            const auto it = tasks_.find(w.id);
            if (it != tasks_.end() && it->second.call != nullptr && !it->second.has_started)
                all.push_back({std::move(w), it->second.call});
        }
    }
    for (due& d : all) {
        const status now_is = d.call->current(); // without the lock, as with all calls of the pool
        const lock_type lock(mutex_);
        const auto it = tasks_.find(d.watch.id);
        if (it == tasks_.end() || it->second.has_started)
            continue;
        if (now_is == status::running) {
            it->second.has_started = true;
            say(start_report(d.watch.id));
        } else if (now_is == status::pending) {
            d.watch.pause = std::min(2 * d.watch.pause, longest_pause);
            starts_.emplace(now + d.watch.pause, std::move(d.watch));
        }
    }
}

// Takes no more tasks, and gives back those that have not started.
void worker_host::begin_to_drain(connection* c) {
    to_do todo;
    {
        const lock_type lock(mutex_);
        if (drain_until_)
            return;
        drain_until_ = worker_options_.drain.deadline().value_or(clock::time_point::max());
        host_ledger::actions actions;
        ledger_.drain(actions);
        perform(actions, todo);
        say({{}, write_frame(announcement(true)), {}, exchange_});
    }
    do_now(todo);
    if (c != nullptr)
        c->cancel_consumer("tasks");
}

bool worker_host::is_over() const {
    const lock_type lock(mutex_);
    if (done_)
        return true;
    if (!drain_until_)
        return false;
    return (ledger_.size() == 0 && acknowledgements_.empty() && reports_.empty() &&
            unconfirmed_.empty()) ||
           (give_up_at_ && *give_up_at_ <= clock::now());
}

} // namespace ferry::detail::cluster
