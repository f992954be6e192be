// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/progress.hpp>

#include <ferry/detail/progress_sink.hpp>
#include <ferry/detail/task.hpp>

#include <utility>

namespace ferry {
namespace {

thread_local detail::progress_receiver* receiver = nullptr;

} // namespace

detail::progress_receiver* detail::set_progress_receiver(progress_receiver* r) noexcept {
    return std::exchange(receiver, r);
}

void report_progress(double done, std::string_view note) {
    if (const auto* const task = detail::running_scope::innermost()) {
        if (task->extra != nullptr && task->extra->progress != nullptr)
            task->extra->progress->report(done, note);
    } else if (receiver != nullptr) {
        receiver->on_report(done, note);
    }
}

} // namespace ferry
