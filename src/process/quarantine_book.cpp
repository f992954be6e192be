// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "quarantine_book.hpp"

#include "later.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

bool quarantine_book::died(std::uint64_t fingerprint, clock::time_point now) {
    if (!is_kept())
        return false;
    forget_before(now);
    record& r = records_[fingerprint];
    try {
        deaths_.push_back({now, fingerprint});
    } catch (...) {
        if (r.deaths == 0)
            records_.erase(fingerprint);
        throw;
    }
    if (++r.deaths < after_)
        return false;
    sentences_ += r.until ? 0 : 1;
    r.until = later(now, time_);
    return true;
}

std::optional<quarantine_book::sentence>
quarantine_book::find(std::uint64_t fingerprint, clock::time_point now) const noexcept {
    if (sentences_ == 0)
        return std::nullopt;
    const auto it = records_.find(fingerprint);
    if (it == records_.end() || !it->second.until || now >= *it->second.until)
        return std::nullopt;
    return sentence{it->second.deaths, *it->second.until};
}

void quarantine_book::pardon_all() noexcept {
    deaths_.clear();
    records_.clear();
    sentences_ = 0;
}

// A sentence ends when its last death ceases to count, so the record of a sentence that has ended
// has no deaths left.
void quarantine_book::forget_before(clock::time_point now) noexcept {
    while (!deaths_.empty() && now >= later(deaths_.front().at, time_)) {
        const auto it = records_.find(deaths_.front().fingerprint);
        FERRY_ASSERT(it != records_.end() && it->second.deaths != 0);
        deaths_.pop_front();
        if (--it->second.deaths != 0)
            continue;
        sentences_ -= it->second.until ? 1 : 0;
        records_.erase(it);
    }
}

} // namespace ferry::detail
