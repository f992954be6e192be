// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What the workers of a process pool answer; for the reader.
#include "process_core.hpp"

#include <algorithm>

namespace ferry::detail {

void process_core::read_answers(worker_channel& w) noexcept {
    for (;;) {
        std::size_t count = 0;
        reading r = reading::broken;
        try {
            r = next_answers(w, count);
        } catch (const std::exception&) { // no memory for what it said of its start
        }
        if (count != 0) {
            account(w, count);
            for (std::size_t i = 0; i != count; ++i)
                finish(batch_[i]);
        }
        if (count != 0 || r == reading::broken) {
            w.answers->release();
            const scoped_lock lock(mutex_);
            if (r == reading::broken)
                violated(w, "it sent what no worker sends");
            finishing_ -= count;
            changed_.notify_all();
        }
        if (r == reading::broken)
            return;
        if (r == reading::later) {
            const scoped_lock lock(mutex_);
            arm(w.blocked, clock::now() + moment);
            return;
        }
        if (count == 0 && w.answers->prepare_sleep())
            return;
    }
}

// Up to 64 answers; what else a worker says is dealt with at once.
process_core::reading process_core::next_answers(worker_channel& w, std::size_t& count) {
    while (count < batch_.size()) {
        answer& a = batch_[count];
        if (!w.waiting) {
            wire::frame f;
            const wire::decoded d = w.answers->next(f);
            if (d != wire::decoded::frame)
                return d == wire::decoded::nothing ? reading::on : reading::broken;
            const auto kind = f.header.kind;
            if (kind == wire::frame_kind::ready || kind == wire::frame_kind::not_ready) {
                if (w.life.was_ready() || !w.why_not_ready.empty())
                    return reading::broken;
                on_ready(w, f);
                continue;
            }
            wire::answer_body body;
            if ((kind != wire::frame_kind::value && kind != wire::frame_kind::error) ||
                f.body.size() < sizeof body)
                return reading::broken;
            std::memcpy(&body, f.body.data(), sizeof body); // once: it may change at any time
            a.header = f.header;
            a.run_ns = body.run_ns;
            a.bytes = f.body.subspan(sizeof body);
            if (body.in_segment == 0) {
                ++count;
                continue;
            }
            w.waiting.emplace();
            w.waiting->header = f.header;
            w.waiting->run_ns = body.run_ns;
            if (a.bytes.size() != sizeof w.waiting->ref)
                return reading::broken;
            std::memcpy(&w.waiting->ref, a.bytes.data(), sizeof w.waiting->ref);
        }
        const reading r = take_large(w, a);
        if (r != reading::on)
            return r;
        ++count;
    }
    return reading::enough;
}

// Finds the mapping of the answer that waits for it.
process_core::reading process_core::take_large(worker_channel& w, answer& a) {
    bool is_short = false;
    try {
        a.shared = w.find_segment(w.waiting->ref, is_short);
    } catch (const bad_segment&) {
        return reading::broken;
    } catch (const std::bad_alloc&) {
        return reading::later;
    }
    if (is_short)
        return reading::later;
    a.header = w.waiting->header;
    a.run_ns = w.waiting->run_ns;
    a.bytes = {};
    a.size = w.waiting->ref.size;
    w.waiting.reset();
    return reading::on;
}

// Takes the answered tasks from their slots, before their outcomes become visible: who sees one may
// count on the worker.
void process_core::account(worker_channel& w, std::size_t count) noexcept {
    const std::int64_t now = wire::now_ns();
    const scoped_lock lock(mutex_);
    finishing_ += count;
    for (std::size_t i = 0; i != count; ++i) {
        answer& a = batch_[i];
        const auto& h = a.header;
        if (!w.held[h.slot] || w.held[h.slot].call->number != h.task) {
            if (!broken_) // which let go of all
                violated(w, "it answered a task that it was not given");
            continue;
        }
        const bool condemned = (w.condemned_slots >> h.slot & 1) != 0;
        w.held[h.slot].keep->try_start();
        a.task = w.let_go(h.slot).task;
        act(w, w.life.answered());
        if (condemned) { // it has its outcome, and no worker answers then
            violated(w, "it answered a task that was taken from it");
            a.task.call->arguments = {};
            a.task = {};
            continue;
        }
        a.arguments = std::move(a.task.call->arguments);
        const std::int64_t since = std::max<std::int64_t>(0, now - a.task.call->submitted_ns);
        const std::int64_t run = std::clamp<std::int64_t>(a.run_ns, 0, since);
        mean_run_ns_ = mean_run_ns_ < 0 ? static_cast<double>(run)
                                        : 0.9 * mean_run_ns_ + 0.1 * static_cast<double>(run);
        ++counts_.run_time[histogram::bucket_of(std::chrono::nanoseconds(run))];
        ++counts_.queue_wait[histogram::bucket_of(std::chrono::nanoseconds(since - run))];
        ++(h.kind == wire::frame_kind::value ? counts_.completed : counts_.failed);
        if (a.arguments.size() > large_payload && !deadline_list::contains(trim_))
            arm(trim_, clock::now() + until_trimmed);
    }
    dispatch();
}

// Decodes, or has it decoded where that may take long.
void process_core::finish(answer& a) noexcept {
    held_call task = std::exchange(a.task, {});
    const auto shared = std::exchange(a.shared, nullptr);
    a.arguments = {};
    if (!task)
        return;
    remote_call& call = *task.call;
    const bool failed = a.header.kind == wire::frame_kind::error;
    if (shared == nullptr && !failed && call.is_plain()) {
        byte_source in(a.bytes);
        call.finish(in);
        return;
    }
    auto& to = call.arrived;
    to.failed = failed;
    to.size = shared != nullptr ? a.size : a.bytes.size();
    to.shared = shared;
    if (shared == nullptr) {
        try {
            to.copy = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(to.size, 1));
        } catch (const std::bad_alloc&) {
            call.fail(std::current_exception());
            return;
        }
        if (to.size != 0)
            std::memcpy(to.copy.get(), a.bytes.data(), to.size);
    }
    decoders_.post(std::move(task.keep), call); // which may end before this does
}

} // namespace ferry::detail
