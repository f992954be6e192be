// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_phase.hpp"

namespace ferry::detail::cluster {

bool host_phase::ends_workers(clock::time_point now, bool at_once) noexcept {
    if (!drain_until_ || give_up_at_ || (*drain_until_ > now && !at_once))
        return false;
    give_up_at_ = now + last_words;
    return true;
}

bool host_phase::is_over(clock::time_point now, bool all_told) const noexcept {
    if (stopped_)
        return true;
    return drain_until_ && (all_told || (give_up_at_ && *give_up_at_ <= now));
}

} // namespace ferry::detail::cluster
