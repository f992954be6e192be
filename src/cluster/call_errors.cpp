// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "call_errors.hpp"

#include <ferry/error.hpp>

namespace ferry::detail::cluster {
namespace {

std::string name_of(const remote_call& c) { return "the task '" + c.call_label() + "'"; }

std::string builds_text(const known_hosts& hosts) {
    std::string text;
    for (const auto& b : hosts.served())
        text += (text.empty() ? "" : ", ") + b;
    return text.empty() ? "no host has answered" : "hosts have answered for " + text;
}

} // namespace

void call_errors::connect_failed(const char* why) {
    last_failure_ = why;
    ++failed_connects_;
}

// Why the broker is out of reach, if it is, and somebody has tried.
std::string call_errors::attempts(const ledger& book) const {
    if (!book.reach().lost_since() || last_failure_.empty())
        return {};
    return "; the broker is out of reach, after " + std::to_string(failed_connects_) +
           " attempts: " + last_failure_;
}

std::exception_ptr call_errors::error_for(const ledger::action& a, const remote_call& call,
                                          const ledger& book,
                                          std::chrono::nanoseconds wait) const noexcept {
    using what = ledger::what;
    return error_or_shortage([&]() -> std::exception_ptr {
        const std::string task = name_of(call);
        if (a.kind == what::died)
            return make_error<worker_died>(task + ": " + a.text);
        if (a.kind == what::full)
            return make_error<queue_full_error>(task + ": " + a.text, book.tasks().unstarted(),
                                                wait);
        const std::string tried = attempts(book);
        if (a.kind == what::unreachable)
            return make_error<no_worker_error>(
                task + " has waited for the broker for " + text_of(options_.connect_limit) +
                (tried.empty() ? "; the broker is out of reach" : tried));
        if (book.hosts().is_served(queue_) && tried.empty())
            return late(call);
        return make_error<no_worker_error>(task + " did not start in time: no host serves '" +
                                           queue_ + "'; " + builds_text(book.hosts()) + tried);
    });
}

std::exception_ptr call_errors::late(const remote_call& call) noexcept {
    return error_or_shortage(
        [&] { return make_error<timeout_error>(name_of(call) + " did not start in time"); });
}

std::exception_ptr call_errors::left(const remote_call& call) noexcept {
    return error_or_shortage([&] {
        return make_error<worker_died>(name_of(call) + " was still running when its pool ended");
    });
}

} // namespace ferry::detail::cluster
