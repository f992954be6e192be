// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "task_quarantine.hpp"

#include <ferry/error.hpp>

#include <new>

namespace ferry::detail {

std::optional<task_quarantine::sentence>
task_quarantine::sentence_of(const remote_call& c) const noexcept {
    if (c.fingerprint == 0 || !book_.has_sentences())
        return std::nullopt;
    return book_.find(c.fingerprint, clock::now());
}

void task_quarantine::check(const remote_call& c) const {
    if (const auto s = sentence_of(c))
        throw quarantined_error(c.call_label(), s->deaths, s->until);
}

std::exception_ptr task_quarantine::error_of(const remote_call& c, const sentence& s) noexcept {
    return error_or_shortage(
        [&] { return make_error<quarantined_error>(c.call_label(), s.deaths, s.until); });
}

bool task_quarantine::blame(const remote_call& c, death_cause why) noexcept {
    if (c.fingerprint == 0 || !counts_against_task(why))
        return false;
    try {
        const bool quarantined = book_.died(c.fingerprint, clock::now());
        pending_ |= quarantined;
        return quarantined;
    } catch (const std::bad_alloc&) { // the death is not counted
        return false;
    }
}

} // namespace ferry::detail
