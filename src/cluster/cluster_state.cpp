// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_state.hpp"

#include "process/wire.hpp"

#include <atomic>
#include <utility>

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

cluster_state::cluster_state(cluster_options o, broker_address a)
    : options(with_name(std::move(o))), address(std::move(a)), queues(options), store(0),
      publisher(options, address, "pool, publishing"),
      consumer(options, address, "pool, consuming"),
      book({*options.heartbeat.limit(), options.connect_limit.limit(), options.durable},
           timeout::clock::now()),
      line(options, queues.tasks, book), messages(queues.exchange, queues.replies),
      errors(options, queues.tasks), figures(options.name, 0, recording::pool::cluster) {}

// ---- Into the ledger ----------------------------------------------------------------------------

bool cluster_state::admit(const open_call& c, bool exempt, timeout::clock::time_point now) const {
    using decision = admission::decision;
    const admission_request request = c.request(now);
    const decision what = line.decide(request, exempt);
    if (what != decision::enter && what != decision::stand_in_line)
        std::rethrow_exception(line.refusal(what, c.call->state(), request));
    return what == decision::enter;
}

void cluster_state::stand_in_line(open_call& c) {
    c.in_line = true;
    line.stand({c.call->number, c.bytes, c.how.start_by});
    if (c.how.start_by)
        consumer.wake().signal(); // which watches the time
}

void cluster_state::enter(open_call& c) {
    const auto now = timeout::clock::now();
    line.entered(c.level);
    c.counted = true;
    book.add(c.call->number, c.facts(), now);
    figures.queue_has(book.tasks().unstarted());
    publisher.wake().signal();
    if (c.how.start_by || !book.reach().connected())
        consumer.wake().signal(); // which watches the time
    if (c.how.start_by && book.hosts().workers_for(queues.tasks) == 0)
        messages.ask_who_at(now);
}

// Lets in, from the front, those for whom there is room now.
void cluster_state::advance_line() {
    bool any = false;
    for (auto next = line.next(); next; next = line.next()) {
        open_call& c = calls.at(*next);
        line.leave(*next);
        c.in_line = false;
        enter(c);
        any = true;
    }
    if (any)
        changed.notify_all();
}

// ---- What the ledger asks for -------------------------------------------------------------------

void cluster_state::perform(ledger::actions& todo, call_outcomes& out) {
    using what = ledger::what;
    for (const ledger::action& a : todo) {
        open_call* const c = calls.find(a.number);
        switch (a.kind) {
        case what::started:
            if (c != nullptr)
                started(*c, a.text);
            break;
        case what::again:
            if (c != nullptr)
                note_end_of_run(*c);
            publisher.wake().signal();
            break;
        case what::tell_hosts:
            messages.cancel(a.number, a.text);
            publisher.wake().signal();
            break;
        case what::ask_hosts:
            messages.ask_for_beats();
            publisher.wake().signal();
            break;
        default:
            if (c != nullptr) {
                figures.failed(*c->call);
                end(*c, errors.error_for(a, *c->call, book, line.estimate(c->level)), out);
            }
        }
    }
    todo.clear();
    advance_line();
    figures.queue_has(book.tasks().unstarted());
}

// In the recording a worker is a task that runs, with the process of its host.
void cluster_state::started(open_call& c, const std::string& host) {
    c.started_ns = wire::now_ns();
    const std::int32_t pid = book.hosts().pid_of(host);
    if (c.record == 0)
        c.record = figures.add_worker(static_cast<std::uint32_t>(pid), pid);
    figures.worker_runs(c.record, c.call.get());
    uncount(c);
    c.call->state().try_start();
}

void cluster_state::note_end_of_run(open_call& c) noexcept {
    c.started_ns = 0;
    figures.remove_worker(std::exchange(c.record, 0));
}

void cluster_state::uncount(open_call& c) noexcept {
    if (std::exchange(c.counted, false))
        line.started(c.level);
}

// ---- The end of a call --------------------------------------------------------------------------

void cluster_state::end(open_call& c, std::exception_ptr error, call_outcomes& out) {
    uncount(c);
    if (c.in_line)
        line.leave(c.call->number);
    note_end_of_run(c);
    out.push_back({calls.take(c), std::move(error)});
    advance_line();
    figures.queue_has(book.tasks().unstarted());
}

void cluster_state::end_early(open_call& c, std::exception_ptr error, call_outcomes& out) {
    ledger::actions todo;
    book.remove(c.call->number, todo);
    perform(todo, out);
    end(c, std::move(error), out);
}

void cluster_state::watch_time(timeout::clock::time_point now, call_outcomes& out) {
    ledger::actions todo;
    book.tick(now, todo);
    perform(todo, out);
    for (auto late = line.expired(now); late; late = line.expired(now)) {
        open_call& c = calls.at(*late);
        figures.failed(*c.call);
        end(c, call_errors::late(*c.call), out);
        changed.notify_all();
    }
}

void cluster_state::complete(call_outcomes& all) noexcept {
    for (call_outcome& o : all) {
        if (o.error != nullptr)
            o.call->fail(std::move(o.error));
        else
            o.call->finish_cancelled();
    }
    if (all.empty())
        return;
    const annotated_lock lock(mutex);
    calls.published(all.size());
    all.clear();
    changed.notify_all();
}

void cluster_state::wake_threads() noexcept {
    publisher.wake().signal();
    consumer.wake().signal();
}

} // namespace ferry::detail::cluster
