// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/task.hpp>

#include "segment.hpp"

#include <utility>

namespace ferry::detail {

std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode) {
    segment_store store(0);
    byte_sink out(store);
    encode(out);
    const auto bytes = out.bytes();
    return {bytes.begin(), bytes.end()};
}

void remote_call::note_progress(double done, const std::string& note) {
    const auto& extra = state_.extra;
    if (extra == nullptr || extra->progress == nullptr)
        return; // nobody asked the worker for reports
    extra->progress->keep(done, note);
    if ((reports_.fetch_or(job_queued | report_came) & (job_queued | outcome_came)) == 0)
        host_->post_callbacks(*this);
}

void remote_call::publish_behind_reports() {
    if ((reports_.fetch_or(job_queued | outcome_came) & job_queued) == 0)
        host_->post_callbacks(*this);
}

bool remote_call::deliver_reports() {
    for (;;) {
        if ((reports_.fetch_and(~report_came) & outcome_came) != 0) {
            state_.extra->progress->close();
            reports_.fetch_or(published);
            return true;
        }
        state_.extra->progress->flush();
        unsigned expected = job_queued;
        if (reports_.compare_exchange_strong(expected, 0))
            return false;
    }
}

void remote_call::decode() {
    arrived_answer from = std::exchange(arrived, {});
    const std::byte* const at = from.shared != nullptr ? from.shared->data() : from.copy.get();
    const bool is_gift = from.shared != nullptr && from.shared->is_gift();
    byte_source in(std::span(at, from.size),
                   is_gift && from.shared->is_sealed() ? from.shared : nullptr);
    if (from.failed)
        finish_with_error(in);
    else
        finish(in);
    if (from.shared != nullptr)
        from.shared->was_read();
}

} // namespace ferry::detail
