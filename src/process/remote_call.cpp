// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What the tasks of a process pool tell it: cancelled, asked to stop, submitted.
#include "process_core.hpp"

namespace ferry::detail {

void work_dropped(process_core& core, remote_call& call, bool expired) noexcept {
    core.dropped(call, expired);
}
bool take_call_back(process_core& core, remote_call& call) noexcept { return core.revoke(call); }
bool call_started(const process_core& core, const remote_call& call) noexcept {
    return core.started(call);
}
bool ask_call_to_stop(process_core& core, remote_call& call) noexcept {
    return core.ask_to_stop(call);
}
bool cancel_running_call(process_core& core, remote_call& call) noexcept {
    return core.cancel_running(call);
}
void run_callbacks_later(process_core& core, remote_call& call) noexcept {
    core.run_callbacks_later(call);
}
void throw_if_closed(process_core& core) { core.throw_if_closed(); }
segment_store& store_of(process_core& core) noexcept { return core.store(); }

void submit_call(const std::shared_ptr<process_core>& core,
                 boost::intrusive_ptr<shared_state_base> state, remote_call& call) {
    const bool expires = state->extra != nullptr && state->extra->start_by.has_value();
    if (expires)
        arm_timer(*state, *state->extra->start_by, timer_purpose::start_by);
    try {
        core->submit({state, &call});
    } catch (...) {
        if (expires)
            static_cast<void>(disarm_timer(*state));
        throw;
    }
}

std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode) {
    segment_store store(0);
    byte_sink out(store);
    encode(out);
    const auto bytes = out.bytes();
    return {bytes.begin(), bytes.end()};
}

void remote_call::decode() {
    arrived_answer from = std::exchange(arrived, {});
    const std::byte* const at = from.shared != nullptr ? from.shared->data() : from.copy.get();
    byte_source in(std::span(at, from.size));
    if (from.failed) {
        std::exception_ptr error;
        try {
            error = get_exception(in);
        } catch (...) {
            error = std::current_exception();
        }
        fail(std::move(error));
    } else {
        finish(in);
    }
    if (from.shared != nullptr) // its worker may use it again
        from.shared->head().in_use.store(0, std::memory_order_release);
}

// ---- The pool hears it --------------------------------------------------------------------------

void process_core::dropped(remote_call& c, bool expired) noexcept {
    if (is_forked_copy())
        return;
    payload unneeded; // freed without the lock
    task_queue::node_type entry;
    bool last = false;
    {
        const scoped_lock lock(mutex_);
        if (c.queued) {
            c.queued = false;
            entry = queue_.extract(key_of(c));
        }
        if (c.at == nullptr)
            unneeded = std::move(c.arguments);
        if (unneeded.size() > large_payload && !deadline_list::contains(trim_))
            arm(trim_, clock::now() + look_interval);
        ++(expired ? counts_.failed : counts_.cancelled);
        last = closed_ && !has_unfinished();
        if (closed_)
            changed_.notify_all();
    }
    if (last)
        wake_reader();
}

bool process_core::revoke(remote_call& c) noexcept {
    if (is_forked_copy())
        return false; // the workers are the parent's
    worker_channel::taken t; // freed without the lock
    {
        const scoped_lock lock(mutex_);
        if (c.at == nullptr)
            return true; // it is not out any more
        t = c.at->revoke(c.slot);
        if (!t.task)
            return false;
        c.state().unoffer();
    }
    return true;
}

bool process_core::started(const remote_call& c) const noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(mutex_);
    return c.at != nullptr && !c.at->slot_of(c).is(c.number, wire::slot_state::offered);
}

bool process_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(mutex_);
    return c.stops && c.at != nullptr && c.at->slot_of(c).is(c.number, wire::slot_state::claimed) &&
           c.at->ask_to_stop(c.number);
}

bool process_core::cancel_running(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    pending_outcome v;
    {
        const scoped_lock lock(mutex_);
        if (c.at == nullptr)
            return true; // its outcome is on its way
        worker_channel& w = *c.at;
        if (c.stops) {
            if (w.ask_to_stop(c.number))
                arm_grace(w.stop_grace[c.slot]);
        } else if (kill_for(w, c.slot)) {
            ++counts_.cancelled;
            v.task = w.held[c.slot];
        }
    }
    if (v.task)
        pass(std::move(v));
    return true;
}

void process_core::pass(pending_outcome v) noexcept {
    if (v.error != nullptr)
        v.task.call->fail(std::move(v.error));
    else
        v.task.call->finish_cancelled();
}

} // namespace ferry::detail
