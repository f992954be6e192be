// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "open_call.hpp"

#include "cluster_line.hpp"
#include "frame.hpp"

#include <stdexcept>

namespace ferry::detail::cluster {

open_call open_call::of(const remote_call_ptr& c, const cluster_call& how,
                        const cluster_options& options) {
    open_call e;
    const code_record& record = record_of_call(c->entry);
    e.entry = key_of(record, options.match);
    if (record.calls_pointer) {
        byte_source in(c->arguments.bytes());
        e.function = key_of_function(get_code(in), options.match);
        e.arguments_at = c->arguments.size() - in.remaining();
    }
    const std::size_t size = c->arguments.size() - e.arguments_at;
    if (size > options.max_message)
        throw std::invalid_argument(
            "cluster_pool: the arguments of the task '" + c->call_label() + "' take " +
            std::to_string(size) + " bytes, and cluster_options::max_message allows " +
            std::to_string(options.max_message) +
            "; pass a reference to the data, a path or a URL, instead of the data");
    e.bytes = size + how.bytes;
    if (e.bytes < size)
        throw std::invalid_argument("task_options::bytes is too large");
    e.level = cluster_line::level_of(c->state().priority);
    e.arguments = std::make_shared<const payload>(std::move(c->arguments));
    e.how = how;
    e.call = c;
    return e;
}

admission_request open_call::request(timeout::clock::time_point now) const noexcept {
    return {.bytes = bytes,
            .priority = call->state().priority,
            .may_wait = is_map(),
            .now = now,
            .start_by = how.start_by};
}

void open_call::limit_wait(const timeout& most) noexcept {
    if (is_map() || !most.limit())
        return;
    const auto latest = most.deadline();
    if (latest && (!how.start_by || *latest < *how.start_by))
        how.start_by = latest;
}

bool open_call::wants_progress() const noexcept {
    const auto& extra = call->state().extra;
    return extra != nullptr && extra->progress != nullptr;
}

std::vector<std::byte> open_call::write(const std::string& reply_to,
                                        const ledger::publication& p) const {
    task_frame f;
    f.id = {reply_to, p.number, p.round};
    f.attempt = p.attempt;
    f.stops = call->stops;
    f.idempotent = how.idempotent;
    f.wants_progress = wants_progress();
    f.timeout = how.limit.limit();
    f.label = call->call_label();
    f.entry = entry;
    f.function = function;
    f.arguments = arguments->bytes().subspan(arguments_at);
    return write_frame(f);
}

} // namespace ferry::detail::cluster
