// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "broker_reach.hpp"

#include <utility>

namespace ferry::detail::cluster {

bool broker_reach::set_publishing(bool is, time now) noexcept {
    publishing_ = is;
    return note(now);
}

bool broker_reach::set_hearing(bool is, time now) noexcept {
    hearing_ = is;
    return note(now);
}

bool broker_reach::set_blocked(bool is) noexcept { return std::exchange(blocked_, is) != is; }

bool broker_reach::note(time now) noexcept {
    if (connected() == !lost_since_)
        return false;
    lost_since_ = connected() ? std::nullopt : std::optional(now);
    return true;
}

} // namespace ferry::detail::cluster
