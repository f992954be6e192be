// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_jobs.hpp"

#include "pool/stuck_tasks.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace ferry::detail {
namespace {

// How long one may take when the deadline of a shutdown has come.
constexpr timeout::clock::duration time_for_jobs = std::chrono::seconds(1);

} // namespace

process_jobs::process_jobs() noexcept
    : decoders_(job_threads::kind::spared, remote_call::job::decoding, "ferry-decoder"),
      reports_(job_threads::kind::spared, remote_call::job::reports_or_callbacks, "ferry-reports"),
      callbacks_(job_threads::kind::one, remote_call::job::reports_or_callbacks, "ferry-callbacks",
                 &reports_) {}

void process_jobs::start(const std::shared_ptr<void>& keep) {
    callbacks_.start(keep);
    decoders_.start(keep);
}

void process_jobs::decode(remote_call_ptr c) noexcept {
    remote_call& call = *c.detach();
    decoders_.post(boost::intrusive_ptr<shared_state_base>(&call.state(), false), call);
}

void process_jobs::let_go_of(remote_call_ptr c) noexcept {
    shared_state_base& state = c->state();
    if (state.extra == nullptr)
        return;
    remote_call& call = *c.detach();
    if (!state.drop_reference_unless_last())
        callbacks_.post(boost::intrusive_ptr<shared_state_base>(&state, false), call);
}

bool process_jobs::is_this_thread() const noexcept {
    return callbacks_.is_this_thread() || decoders_.is_this_thread() || reports_.is_this_thread();
}

void process_jobs::finish() noexcept {
    decoders_.finish();
    reports_.finish();
    callbacks_.finish();
}

void process_jobs::finish_by(std::optional<timeout::clock::time_point> deadline,
                             shutdown_report& report) noexcept {
    if (!deadline) {
        finish();
        return;
    }
    const auto patience = std::max(*deadline - timeout::clock::now(), time_for_jobs);
    const auto finish = [&](job_threads& threads, const char* job) {
        threads.finish_within(
            patience, [&](const remote_call* c, timeout::clock::time_point since) {
                add_stuck(report, timeout::clock::now() - since, [&] {
                    return c != nullptr ? job + (" '" + c->call_label()) + "'"
                                        : std::string("the destructors of a call");
                });
            });
    };
    finish(decoders_, "the decoding of the result of");
    finish(reports_, "a report of progress of");
    finish(callbacks_, "a callback of");
}

} // namespace ferry::detail
