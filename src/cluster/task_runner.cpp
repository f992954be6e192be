// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "task_runner.hpp"

#include "process/segment.hpp"
#include "task_outcome.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <typeinfo>
#include <utility>

namespace ferry::detail::cluster {
namespace {

struct task_of_a_host {}; // what tasks without a label are called

} // namespace

/// Tells the host that the outcome of a call is there. Runs no user code, so any thread may fire
/// it.
class task_runner::completion final : public continuation {
public:
    completion(task_runner& runner, task_id id)
        : continuation(false), runner_(runner), id_(std::move(id)) {}
    void fire(shared_state_base*) override {
        runner_.finished(id_);
        delete this;
    }
    void destroy() noexcept override { delete this; }

private:
    task_runner& runner_;
    const task_id id_;
};

void task_runner::finished(const task_id& id) noexcept {
    const annotated_lock lock(state_.mutex);
    finished_.push_back(id);
    state_.publisher.wake().signal();
}

void task_runner::do_now(const host_state::to_do& todo) {
    for (const auto& id : todo.run)
        start(id);
    for (const auto& call : todo.stop)
        ask_to_stop(call);
    for (const auto& call : todo.end)
        end(call);
}

void task_runner::end(const host_call_ptr& call) {
    if (!call->cancel())
        call->cancel_running();
}

// A call that its worker process is only about to start is asked again, by the consuming thread.
void task_runner::ask_to_stop(const host_call_ptr& call) {
    if (!call->stops || call->done() || call->request_stop())
        return;
    const annotated_lock lock(state_.mutex);
    stops_.push_back(call);
}

// ---- Handing a task over ------------------------------------------------------------------------

void task_runner::start(const task_id& id) {
    task_frame f;
    std::shared_ptr<void> keep;
    {
        const annotated_lock lock(state_.mutex);
        const arrived_task* const t = state_.tasks.find(id);
        if (t == nullptr)
            return;
        f = t->frame;
        keep = t->keep;
    }
    const code_of_task code = find_code_of(f);
    if (!code.may_run_here) {
        refuse(id, "ferry::cluster_pool",
               "this host has no such code in its table of what may run here");
        return;
    }
    try {
        bool limited_by_host = false;
        const host_call_ptr call = make_call(id, f, code, limited_by_host);
        hand_over(id, call, limited_by_host);
    } catch (const broken_executor& e) {
        state_.fail(e.what());
        give_back(id);
        state_.ask_to_end();
    } catch (const std::exception& e) {
        refuse(id, demangle(typeid(e).name()), e.what());
    }
}

task_runner::code_of_task task_runner::find_code_of(const task_frame& f) const {
    const auto match = state_.self.options.match;
    const code_record* const entry = find_code(f.entry, match);
    const code_record* const function = f.function ? find_code(f.function, match) : nullptr;
    const bool has_function = function != nullptr && function->what == code_record::kind::function;
    return {entry, function,
            entry != nullptr && entry->what == code_record::kind::call &&
                entry->calls_pointer == static_cast<bool>(f.function) &&
                (!f.function || has_function)};
}

host_call_ptr task_runner::make_call(const task_id& id, const task_frame& f,
                                     const code_of_task& code, bool& limited_by_host) {
    const auto host = process_pool_access::host(state_.pool);
    host_call_ptr t(new host_call(host, typeid(task_of_a_host)));
    task_options o{.label = f.label};
    const timeout max_run = state_.self.worker_options.max_run;
    limited_by_host = max_run.limited() && (!f.timeout || *f.timeout > *max_run.limit());
    o.timeout = limited_by_host ? max_run : timeout(f.timeout);
    if (f.wants_progress) {
        o.on_progress = [this, id, first = true](progress p) mutable {
            note_progress(id, std::move(p), std::exchange(first, false));
        };
    }
    if (!set_options(*t, o))
        std::rethrow_exception(t->error());
    byte_sink out(host->store());
    if (code.function != nullptr)
        put_code(out, locate(code.function->address));
    out.write(f.arguments.data(), f.arguments.size());
    t->entry = locate(code.entry->address);
    t->stops = f.stops;
    t->arguments = out.finish();
    return t;
}

void task_runner::hand_over(const task_id& id, const host_call_ptr& call, bool limited_by_host) {
    const auto now = clock::now();
    {
        const annotated_lock lock(state_.mutex);
        // The start of what is durable was reported.
        state_.tasks.prepare(id, now, limited_by_host, state_.self.options.durable);
    }
    auto note = std::make_unique<completion>(*this, id);
    process_pool_access::host(state_.pool)->submit(call, entrance::coroutine);
    bool unwanted = false;
    bool asked_to_stop = false;
    {
        const annotated_lock lock(state_.mutex);
        const arrived_task& t = state_.tasks.hand_over(id, call);
        unwanted = t.unwanted;
        asked_to_stop = t.asked_to_stop;
        if (!t.has_started)
            starts_.add(id, now);
    }
    if (unwanted) {
        end(call);
    } else if (asked_to_stop) {
        ask_to_stop(call);
        state_.consumer.wake().signal();
    }
    if (call->add(*note))
        static_cast<void>(note.release());
    else
        finished(id);
}

// Answers a task that cannot be run here, and says so in the log.
void task_runner::refuse(const task_id& id, const std::string& type, const std::string& why) {
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        const arrived_task* const t = state_.tasks.find(id);
        const std::string label = t != nullptr ? t->frame.label : std::string();
        std::fprintf(stderr, "ferry: the task '%s' is refused: %s\n", label.c_str(), why.c_str());
        state_.say(task_outcome::refused(label, type, why).report_of(id, {}));
        state_.tasks.erase(id);
        host_ledger::actions more;
        state_.ledger.finished(id, more);
        state_.perform(more, todo);
    }
    do_now(todo);
}

// The pool that publishes it again finds another host.
void task_runner::give_back(const task_id& id) {
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        state_.say(state_.self.declined(id, decline_reason::draining));
        state_.tasks.erase(id);
        host_ledger::actions more;
        state_.ledger.drain(more);
        state_.ledger.finished(id, more);
        state_.perform(more, todo);
    }
    do_now(todo);
}

// ---- What becomes of it -------------------------------------------------------------------------

// In a thread of the process pool, before `finished`. That the task has started is said first: from
// then on it cannot be cancelled without being ended.
void task_runner::note_progress(const task_id& id, progress p, bool first) {
    const annotated_lock lock(state_.mutex);
    if (state_.tasks.find(id) == nullptr)
        return;
    if (first) {
        state_.tasks.mark_started(id);
        state_.say(state_.self.started(id));
    }
    if (state_.outbox.add_progress(id, std::move(p)))
        state_.publisher.wake().signal();
}

void task_runner::settle_all() {
    for (;;) {
        task_id id;
        {
            const annotated_lock lock(state_.mutex);
            if (finished_.empty())
                return;
            id = std::move(finished_.front());
            finished_.pop_front();
        }
        settle(id);
    }
}

void task_runner::settle(const task_id& id) {
    std::optional<arrived_task> t;
    {
        const annotated_lock lock(state_.mutex);
        t = state_.tasks.take(id);
    }
    if (!t)
        return;
    const auto run_time = std::max<clock::duration>(clock::now() - t->started, {});
    const task_outcome outcome(*t, state_.self.options, state_.self.worker_options);
    if (outcome.is_broken()) {
        state_.fail("its worker processes cannot be started");
        give_back(id);
        state_.ask_to_end();
        return;
    }
    report r = outcome.report_of(id, run_time);
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        host_ledger::actions more;
        state_.ledger.finished(id, more);
        if (t->call->current() == status::cancelled)
            state_.ledger.reported(id, more); // nobody waits for it
        else
            state_.say(std::move(r));
        state_.perform(more, todo);
    }
    do_now(todo);
}

// ---- What is looked at again --------------------------------------------------------------------

std::optional<task_runner::clock::time_point> task_runner::next_time() const {
    const annotated_lock lock(state_.mutex);
    auto at = starts_.next_time();
    if (!stops_.empty()) {
        const auto soon = clock::now() + std::chrono::milliseconds(10);
        at = at ? std::min(*at, soon) : soon;
    }
    return at;
}

void task_runner::watch(clock::time_point now) {
    std::vector<host_call_ptr> again;
    {
        const annotated_lock lock(state_.mutex);
        again.swap(stops_);
    }
    for (const auto& call : again)
        ask_to_stop(call);
    look_for_starts(now);
}

// Reports the calls that local workers run by now.
void task_runner::look_for_starts(clock::time_point now) {
    struct due {
        start_watch::look look;
        host_call_ptr call;
    };
    std::vector<due> all;
    {
        const annotated_lock lock(state_.mutex);
        for (auto& l : starts_.take_due(now)) {
            if (auto call = state_.tasks.unstarted_call(l.id))
                all.push_back({std::move(l), std::move(call)});
        }
    }
    for (due& d : all) {
        const status now_is = d.call->current(); // without the lock, as with all calls of the pool
        const annotated_lock lock(state_.mutex);
        if (state_.tasks.unstarted_call(d.look.id) == nullptr)
            continue;
        if (now_is == status::running) {
            state_.tasks.mark_started(d.look.id);
            state_.say(state_.self.started(d.look.id));
        } else if (now_is == status::pending) {
            starts_.again(std::move(d.look), now);
        }
    }
}

} // namespace ferry::detail::cluster
