// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A worker host: what it does with tasks.
#include "worker_host.hpp"

#include "process/segment.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <cstdio>
#include <typeinfo>

namespace ferry::detail::cluster {
namespace {

// A call that is over sooner is not reported as started: its outcome says as much.
constexpr std::chrono::milliseconds worth_reporting(2);

std::vector<std::byte> encoded(const std::exception_ptr& error) {
    return encode_alone([&error](byte_sink& out) { put_exception(out, error); });
}

// Whether it is of that very class.
template <class E>
bool is_exactly(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const E& e) {
        return typeid(e) == typeid(E);
    } catch (...) {
        return false;
    }
}

struct task_of_a_host {}; // what tasks without a label are called

} // namespace

/// Tells the host that the outcome of a call is there. Runs no user code, so any thread may fire
/// it.
class worker_host::completion final : public continuation {
public:
    completion(worker_host& host, task_id id)
        : continuation(false), host_(host), id_(std::move(id)) {}
    void fire(shared_state_base*) override {
        host_.finished(id_);
        delete this;
    }
    void destroy() noexcept override { delete this; }

private:
    worker_host& host_;
    const task_id id_;
};

void worker_host::finished(const task_id& id) noexcept {
    const lock_type lock(mutex_);
    finished_.push_back(id);
    publisher_.wake().signal();
}

void worker_host::say(report r) {
    reports_.push_back(std::move(r));
    publisher_.wake().signal();
}

worker_host::report worker_host::start_report(const task_id& id) const {
    return {id.reply_to,
            write_frame(started_frame{id.number, id.round, name_,
                                      std::chrono::ceil<std::chrono::milliseconds>(beat_)})};
}

void worker_host::perform(const host_ledger::actions& all, to_do& later) {
    using what = host_ledger::what;
    for (const auto& a : all) {
        const auto it = tasks_.find(a.id);
        switch (a.kind) {
        case what::run:
            // What is durable starts once the broker has heard of it, so that a task that comes
            // back after the broker's crash is known not to have started.
            if (options_.durable) {
                report r = start_report(a.id);
                r.id = a.id;
                r.starts = true;
                say(std::move(r));
            } else {
                later.run.push_back(a.id);
            }
            break;
        case what::decline:
            tasks_.erase(a.id);
            say({a.id.reply_to, write_frame(declined_frame{a.id.number, a.id.round, a.reason}),
                 a.id});
            break;
        case what::acknowledge:
            acknowledgements_.push_back(a.tag);
            consumer_.wake().signal();
            if (it != tasks_.end() && it->second.call == nullptr)
                tasks_.erase(it); // it was cancelled while it was held
            break;
        case what::forget: tasks_.erase(a.id); break;
        case what::ask_to_stop:
        case what::end_run:
            if (it != tasks_.end() && it->second.call != nullptr)
                (a.kind == what::end_run ? later.end : later.stop).push_back(it->second.call);
            else if (it != tasks_.end())
                (a.kind == what::end_run ? it->second.unwanted : it->second.asked_to_stop) = true;
            break;
        }
    }
}

void worker_host::do_now(const to_do& todo) {
    for (const auto& id : todo.run)
        start(id);
    for (const auto& call : todo.stop)
        ask_to_stop(call);
    for (const auto& call : todo.end) {
        if (!call->cancel())
            call->cancel_running();
    }
}

// A call that its worker process is only about to start is asked again, by the consuming thread.
void worker_host::ask_to_stop(const boost::intrusive_ptr<call_type>& call) {
    if (!call->stops || call->done() || call->request_stop())
        return;
    const lock_type lock(mutex_);
    stops_.push_back(call);
}

// ---- Running ------------------------------------------------------------------------------------

void worker_host::start(const task_id& id) {
    task_frame f;
    std::shared_ptr<void> keep;
    {
        const lock_type lock(mutex_);
        const auto it = tasks_.find(id);
        if (it == tasks_.end())
            return;
        f = it->second.frame;
        keep = it->second.keep;
    }
    const code_record* const entry = find_code(f.entry, options_.match);
    const code_record* const function =
        f.function ? find_code(f.function, options_.match) : nullptr;
    if (entry == nullptr || entry->what != code_record::kind::call ||
        entry->calls_pointer != static_cast<bool>(f.function) ||
        (f.function && (function == nullptr || function->what != code_record::kind::function))) {
        refuse(id, "ferry::cluster_pool",
               "this host has no such code in its table of what may run here");
        return;
    }
    try {
        const auto host = process_pool_access::host(pool_);
        boost::intrusive_ptr<call_type> t(new call_type(host, typeid(task_of_a_host)));
        task_options o{.label = f.label};
        const auto most = worker_options_.max_run.limit();
        const bool by_host = most && (!f.timeout || *f.timeout > *most);
        o.timeout = by_host ? worker_options_.max_run : timeout(f.timeout);
        if (f.wants_progress) {
            o.on_progress = [this, id, first = true](progress p) mutable {
                note_progress(id, std::move(p), std::exchange(first, false));
            };
        }
        if (!set_options(*t, o))
            std::rethrow_exception(t->error());
        byte_sink out(host->store());
        if (function != nullptr)
            put_code(out, locate(function->address));
        out.write(f.arguments.data(), f.arguments.size());
        t->entry = locate(entry->address);
        t->stops = f.stops;
        t->arguments = out.finish();
        const auto now = clock::now();
        {
            const lock_type lock(mutex_);
            const auto it = tasks_.find(id);
            BOOST_ASSERT(it != tasks_.end()); // it runs, for the ledger
            it->second.keep = nullptr;
            it->second.frame.arguments = {};
            it->second.started = now;
            it->second.limited_by_host = by_host;
            it->second.has_started = options_.durable; // and was reported
        }
        auto note = std::make_unique<completion>(*this, id);
        host->submit(t, entrance::coroutine);
        bool unwanted = false;
        bool asked_to_stop = false;
        {
            const lock_type lock(mutex_);
            const auto it = tasks_.find(id);
            BOOST_ASSERT(it != tasks_.end());
            // From now on notes about the task go to the call, which the pool has.
            it->second.call = t;
            unwanted = it->second.unwanted;
            asked_to_stop = it->second.asked_to_stop;
            if (!it->second.has_started)
                starts_.emplace(now + worth_reporting, start_watch{id, worth_reporting});
        }
        if (unwanted) {
            if (!t->cancel())
                t->cancel_running();
        } else if (asked_to_stop) {
            ask_to_stop(t);
            consumer_.wake().signal();
        }
        if (t->add(*note))
            static_cast<void>(note.release());
        else
            finished(id);
    } catch (const broken_executor& e) {
        {
            const lock_type lock(mutex_);
            if (failure_.empty())
                failure_ = e.what();
        }
        give_back(id);
        ask_to_end();
    } catch (const std::exception& e) {
        refuse(id, demangle(typeid(e).name()), e.what());
    }
}

// In a thread of the process pool, before `finished`. That the task has started is said first: from
// then on it cannot be cancelled without being ended. Of reports that wait only the latest is kept.
void worker_host::note_progress(const task_id& id, progress p, bool first) {
    const lock_type lock(mutex_);
    const auto it = tasks_.find(id);
    if (it == tasks_.end())
        return;
    if (first) {
        it->second.has_started = true;
        say(start_report(id));
    }
    if (!std::exchange(it->second.latest, std::move(p)))
        say({.key = id.reply_to, .body = {}, .progress_of = id});
}

// False if nobody waits for it any more.
bool worker_host::write_progress(report& r) {
    const task_id id = *std::exchange(r.progress_of, std::nullopt);
    const auto it = tasks_.find(id);
    if (it == tasks_.end() || !it->second.latest)
        return false;
    const progress p = *std::exchange(it->second.latest, std::nullopt);
    r.body = write_frame(progress_frame{id.number, p.done, p.note});
    return true;
}

// Answers a task that cannot be run here, and says so in the log.
void worker_host::refuse(const task_id& id, const std::string& type, const std::string& why) {
    to_do todo;
    {
        const lock_type lock(mutex_);
        const auto it = tasks_.find(id);
        const std::string label = it != tasks_.end() ? it->second.frame.label : std::string();
        std::fprintf(stderr, "ferry: the task '%s' is refused: %s\n", label.c_str(), why.c_str());
        say({id.reply_to,
             write_frame(outcome_frame{id.number,
                                       id.round,
                                       outcome_kind::error,
                                       {},
                                       encoded(make_error<remote_error>(
                                           type, "the task '" + label + "' was refused: " + why))}),
             id});
        tasks_.erase(id);
        host_ledger::actions more;
        ledger_.finished(id, more);
        perform(more, todo);
    }
    do_now(todo);
}

// The pool that publishes it again finds another host.
void worker_host::give_back(const task_id& id) {
    to_do todo;
    {
        const lock_type lock(mutex_);
        say({id.reply_to,
             write_frame(declined_frame{id.number, id.round, decline_reason::draining}), id});
        tasks_.erase(id);
        host_ledger::actions more;
        ledger_.drain(more);
        ledger_.finished(id, more);
        perform(more, todo);
    }
    do_now(todo);
}

// In the publishing thread: makes a report of an outcome, and lets the next task start.
void worker_host::settle(const task_id& id) {
    to_do todo;
    bool is_broken = false;
    arrived_task t;
    {
        const lock_type lock(mutex_);
        const auto it = tasks_.find(id);
        if (it == tasks_.end())
            return;
        for (report& r : reports_) {
            if (it->second.latest && r.progress_of == id)
                write_progress(r);
        }
        t = std::move(it->second);
        tasks_.erase(it);
    }
    report r = outcome_of_call(id, t, is_broken);
    if (is_broken) {
        give_back(id);
        ask_to_end();
        return;
    }
    {
        const lock_type lock(mutex_);
        host_ledger::actions more;
        ledger_.finished(id, more);
        if (t.call->current() == status::cancelled)
            ledger_.reported(id, more); // nobody waits for it
        else
            say(std::move(r));
        perform(more, todo);
    }
    do_now(todo);
}

worker_host::report worker_host::outcome_of_call(const task_id& id, arrived_task& t,
                                                 bool& is_broken) {
    outcome_frame f{id.number,
                    id.round,
                    outcome_kind::error,
                    std::max<clock::duration>(clock::now() - t.started, {}),
                    {}};
    std::vector<std::byte> bytes;
    std::exception_ptr error;
    if (t.call->current() == status::value) {
        auto& value = t.call->value();
        f.kind = value.failed ? outcome_kind::error : outcome_kind::value;
        bytes = std::move(value.bytes);
        if (bytes.size() > options_.max_message) {
            error = make_error<std::length_error>(
                "the result of the task '" + t.frame.label + "' takes " +
                std::to_string(bytes.size()) + " bytes, and cluster_options::max_message allows " +
                std::to_string(options_.max_message) +
                "; return a reference to the data, a path or a URL, instead of the data");
            f.kind = outcome_kind::error;
        }
    } else if (t.call->current() == status::error) {
        error = t.call->error();
        if (is_exactly<worker_died>(error))
            f.kind = outcome_kind::died;
        else if (is_exactly<broken_process_pool>(error))
            is_broken = true;
        else if (t.limited_by_host && is_exactly<timeout_error>(error))
            error = make_error<timeout_error>(
                "the task '" + t.frame.label +
                "' ran longer than cluster_worker_options::max_run of its host, " +
                detail::text_of(worker_options_.max_run));
    }
    if (is_broken) {
        const lock_type lock(mutex_);
        if (failure_.empty())
            failure_ = "its worker processes cannot be started";
    }
    if (error != nullptr)
        bytes = encoded(error);
    f.bytes = bytes;
    return {id.reply_to, write_frame(f), id};
}

} // namespace ferry::detail::cluster
