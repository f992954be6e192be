// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "reader_timers.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {

reader_timers::reader_timers(wake_event& wake) noexcept : wake_(wake) {
    for (std::size_t i = 0; i != own_.size(); ++i)
        own_[i].what = static_cast<deadline::purpose>(first_own + i);
}

void reader_timers::ensure(deadline::purpose what, clock::duration from_now) noexcept {
    if (!is_armed(what))
        arm(what, clock::now() + from_now);
}

bool reader_timers::is_armed(deadline::purpose what) const noexcept {
    FERRY_ASSERT(what >= deadline::purpose::check);
    return deadline_list::contains(own_[static_cast<std::size_t>(what) - first_own]);
}

deadline* reader_timers::take_due(clock::time_point now) noexcept {
    deadline* const d = deadlines_.first();
    if (d == nullptr || d->at > now)
        return nullptr;
    deadline_list::remove(*d);
    return d;
}

int reader_timers::until_first(clock::time_point now) noexcept {
    constexpr std::int64_t most = 3'600'000;
    const deadline* const d = deadlines_.first();
    if (d == nullptr)
        return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(d->at - now);
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, most));
}

} // namespace ferry::detail
