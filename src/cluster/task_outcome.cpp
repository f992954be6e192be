// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "task_outcome.hpp"

#include <ferry/process_pool.hpp>

#include <stdexcept>
#include <typeinfo>
#include <utility>

namespace ferry::detail::cluster {
namespace {

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

} // namespace

task_outcome::task_outcome(const arrived_task& t, const cluster_options& options,
                           const cluster_worker_options& worker_options) {
    if (t.call->current() == status::value) {
        set_value(t, options.max_message);
    } else if (t.call->current() == status::error) {
        const std::exception_ptr error = t.call->error();
        if (is_exactly<worker_died>(error))
            kind_ = outcome_kind::died;
        else if (is_exactly<broken_process_pool>(error))
            is_broken_ = true;
        if (t.limited_by_host && is_exactly<timeout_error>(error))
            set_error(make_error<timeout_error>(
                "the task '" + t.frame.label +
                "' ran longer than cluster_worker_options::max_run of its host, " +
                text_of(worker_options.max_run)));
        else
            set_error(error);
    }
}

task_outcome task_outcome::refused(const std::string& label, const std::string& type,
                                   const std::string& why) {
    return task_outcome(
        make_error<remote_error>(type, "the task '" + label + "' was refused: " + why));
}

void task_outcome::set_value(const arrived_task& t, std::size_t max_message) {
    auto& value = t.call->value();
    if (value.bytes.size() > max_message) {
        set_error(make_error<std::length_error>(
            "the result of the task '" + t.frame.label + "' takes " +
            std::to_string(value.bytes.size()) +
            " bytes, and cluster_options::max_message allows " + std::to_string(max_message) +
            "; return a reference to the data, a path or a URL, instead of the data"));
        return;
    }
    kind_ = value.failed ? outcome_kind::error : outcome_kind::value;
    bytes_ = std::move(value.bytes);
}

void task_outcome::set_error(const std::exception_ptr& error) {
    bytes_ = encode_alone([&error](byte_sink& out) { put_exception(out, error); });
}

report task_outcome::report_of(const task_id& id, std::chrono::nanoseconds run_time) const {
    return {id.reply_to, write_frame(outcome_frame{id.number, id.round, kind_, run_time, bytes_}),
            id};
}

} // namespace ferry::detail::cluster
