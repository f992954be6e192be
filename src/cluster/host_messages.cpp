// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_messages.hpp"

#include "frame.hpp"

#include <utility>

namespace ferry::detail::cluster {

host_messages::host_messages(std::string exchange, std::string reply_to)
    : exchange_(std::move(exchange)), reply_to_(std::move(reply_to)) {}

void host_messages::ask_who() { tell({}, write_frame(who_frame{reply_to_})); }

void host_messages::ask_who_at(time now) {
    if (now - asked_who_ <= std::chrono::milliseconds(500))
        return;
    asked_who_ = now;
    ask_who();
}

void host_messages::ask_for_beats() { tell({}, write_frame(ask_frame{reply_to_})); }

void host_messages::ask_to_stop(std::uint64_t number, const std::string& host) {
    tell(host, write_frame(cancel_frame{reply_to_, true, {number}}));
}

void host_messages::cancel(std::uint64_t number, const std::string& host) {
    tell(host, write_frame(cancel_frame{reply_to_, false, {number}}));
}

// One host is reached by the name of its own queue.
void host_messages::tell(const std::string& host, std::vector<std::byte> body) {
    waiting_.push_back({host.empty() ? exchange_ : std::string(), host, std::move(body)});
}

host_messages::messages host_messages::take() noexcept {
    messages all;
    all.swap(waiting_);
    return all;
}

} // namespace ferry::detail::cluster
