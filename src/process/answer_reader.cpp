// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "answer_reader.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {
namespace {

// Up to this size the reader itself decodes a result in a segment, because to wake another thread
// takes as long.
constexpr std::size_t decoded_here = 2 * large_payload;

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return type_name_of(error) + ": " + e.what();
    } catch (...) {
        return "an exception not derived from std::exception";
    }
}

} // namespace

void answer_reader::read(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    for (;;) {
        std::size_t count = 0;
        reading r = reading::broken;
        try {
            r = next_answers(w, count);
        } catch (const std::exception&) { // no memory for a text that the worker sent
        }
        if (count != 0) {
            account(w, count);
            for (std::size_t i = 0; i != count; ++i)
                finish(batch_[i]);
        }
        if (count != 0 || r == reading::broken) {
            w.answers->release();
            const scoped_lock lock(pool_.mutex);
            if (r == reading::broken)
                pool_.workers.violated(w, "it sent what no worker sends");
            pool_.remove_between(count);
            pool_.changed.notify_all();
        }
        if (r == reading::broken)
            return;
        if (r == reading::later) {
            const scoped_lock lock(pool_.mutex);
            pool_.timers.arm(w.deadlines.answers, clock::now() + reader_timers::moment);
            return;
        }
        if (count == 0 && w.answers->prepare_sleep())
            return;
    }
}

// Collects up to 64 answers. All else that the worker has sent is handled at once.
answer_reader::reading answer_reader::next_answers(worker_channel& w, std::size_t& count) {
    using what = answer_stream::reading;
    while (count < batch_.size()) {
        wire::frame f;
        switch (w.answers->read(batch_[count], f)) {
        case what::answer: ++count; break;
        case what::start: on_ready(w, f); break;
        case what::progress: on_progress(w, f); break;
        case what::nothing: return reading::all;
        case what::later: return reading::later;
        case what::broken: return reading::broken;
        }
    }
    return reading::enough;
}

void answer_reader::on_ready(worker_channel& w, const wire::frame& f) {
    FERRY_ASSERT(pool_.reader.is_here() && !w.life.was_ready());
    byte_source body(f.body);
    w.start_calls.clear();
    w.process->observe(); // so that its peak is known if its first task kills it
    try {
        if (f.header.kind == wire::frame_kind::not_ready) {
            w.end.why_not_ready = "its initializer threw " + text_of(get_exception(body));
            return;
        }
        const auto identity = body.get<std::uint64_t>();
        if (pool_.factory.program().identity() == 0 ||
            identity == pool_.factory.program().identity()) {
            scoped_lock lock(pool_.mutex);
            pool_.workers.perform(w, w.life.ready());
            starts_.started();
            // Its idle time begins now, because its first task may be taken back unstarted.
            pool_.workers.rests(w, clock::now());
            pool_.dispatch(lock);
            return;
        }
        w.end.why_not_ready = "it runs another program than its pool";
    } catch (const std::exception& e) {
        w.end.why_not_ready = std::string("what it said at its start cannot be read: ") + e.what();
    }
    const scoped_lock lock(pool_.mutex);
    pool_.workers.kill(w);
}

// Stores the report, which another thread delivers.
void answer_reader::on_progress(worker_channel& w, const wire::frame& f) {
    FERRY_ASSERT(pool_.reader.is_here());
    byte_source body(f.body);
    const double done = body.get<double>();
    std::string note(body.remaining(), '\0');
    body.read(note.data(), note.size());
    remote_call_ptr c;
    {
        const scoped_lock lock(pool_.mutex);
        const std::uint16_t slot = f.header.slot;
        c = (*w.slots)[slot];
        if ((c == nullptr || c->number != f.header.task) && !pool_.phase.is_broken())
            pool_.workers.violated(w, "it told the progress of a task that it was not given");
        if (c == nullptr || c->number != f.header.task || w.slots->is_condemned(slot))
            return;
    }
    c->note_progress(done, note);
}

// Takes the answered tasks from their slots. This precedes their outcomes, so that a thread that
// sees an outcome finds the worker free.
void answer_reader::account(worker_channel& w, std::size_t count) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && count <= batch_.size());
    const std::int64_t now = wire::now_ns();
    scoped_lock lock(pool_.mutex);
    pool_.add_between(count);
    for (std::size_t i = 0; i != count; ++i) {
        answer& a = batch_[i];
        const auto& h = a.header;
        if (!(*w.slots)[h.slot] || (*w.slots)[h.slot]->number != h.task) {
            if (!pool_.phase.is_broken()) // a broken pool has released all slots
                pool_.workers.violated(w, "it answered a task that it was not given");
            continue;
        }
        const bool condemned = w.slots->is_condemned(h.slot);
        (*w.slots)[h.slot]->state().try_start();
        pool_.workers.perform(w, pool_.release(*(*w.slots)[h.slot], a.task));
        if (condemned) { // the task has an outcome, and no honest worker answers it any more
            pool_.workers.violated(w, "it answered a task that was taken from it");
            a.task->arguments = {};
            a.task = nullptr;
            continue;
        }
        a.arguments = std::move(a.task->arguments);
        const std::int64_t since = std::max<std::int64_t>(0, now - a.task->submitted_ns);
        const std::int64_t run = std::clamp<std::int64_t>(a.says.run_ns, 0, since);
        pool_.dispatching.ran(run);
        pool_.figures.answered(*a.task, h.kind != wire::frame_kind::value, since - run, run);
        if (a.says.retires != 0)
            pool_.retire(w);
        if (segment* const s = a.arguments.shared(); s != nullptr && a.says.keeps != 0) {
            s->surplus = true;
            w.segments_sent.forget(s->id());
        }
        if (a.arguments.size() > large_payload)
            pool_.timers.ensure(deadline::purpose::trim, reader_timers::until_trimmed);
    }
    pool_.dispatch(lock);
    if (w.load() == 0)
        pool_.workers.rests(w, clock::time_point(std::chrono::nanoseconds(now)));
    lock.unlock();
    if (pool_.bounded)
        pool_.drop_given_up();
}

// Decodes the result here, or in another thread if that may take long or runs code of the user.
void answer_reader::finish(answer& a) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    remote_call_ptr task = std::exchange(a.task, nullptr);
    const auto shared = std::exchange(a.shared, nullptr);
    a.arguments = {};
    if (!task)
        return;
    remote_call& call = *task;
    const bool failed = a.header.kind == wire::frame_kind::error;
    if (!failed && call.is_plain() && (shared == nullptr || a.size <= decoded_here)) {
        byte_source in(shared != nullptr ? std::span<const std::byte>(shared->data(), a.size)
                                         : a.bytes);
        call.finish(in);
        if (shared != nullptr)
            shared->was_read();
        pool_.jobs.let_go_of(std::move(task));
        return;
    }
    auto& to = call.arrived;
    FERRY_ASSERT(to.shared == nullptr && to.copy == nullptr); // since a task is answered once
    to.failed = failed;
    to.size = shared != nullptr ? a.size : a.bytes.size();
    to.shared = shared;
    if (shared == nullptr) {
        try {
            to.copy =
                std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(to.size, 1));
        } catch (const std::bad_alloc&) {
            call.fail(std::current_exception());
            pool_.jobs.let_go_of(std::move(task));
            return;
        }
        if (to.size != 0)
            std::memcpy(to.copy.get(), a.bytes.data(), to.size);
    }
    pool_.jobs.decode(std::move(task));
}

} // namespace ferry::detail
