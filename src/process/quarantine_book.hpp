// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

namespace ferry::detail {

/// Which tasks have killed too many workers lately: a state machine without a clock of its own. It
/// remembers a death for as long as it counts, and no longer. Not thread-safe.
class quarantine_book {
public:
    using clock = std::chrono::steady_clock;
    struct sentence {
        unsigned deaths = 0; ///< of workers, as far as they count
        clock::time_point until{};
    };

    /// A task that kills `after` workers within `time` is quarantined for as long again, from its
    /// last victim on. With `after` of 0 nothing ever is.
    quarantine_book(unsigned after, std::chrono::nanoseconds time) : after_(after), time_(time) {}

    bool is_kept() const noexcept { return after_ != 0; }
    /// A worker died of that task, which is told by its fingerprint. True if the task is
    /// quarantined now. Errors: `std::bad_alloc`; then the death does not count.
    bool died(std::uint64_t fingerprint, clock::time_point now);
    /// Its sentence, if it is quarantined.
    std::optional<sentence> find(std::uint64_t fingerprint, clock::time_point now) const noexcept;
    /// False if nothing can be quarantined now.
    bool has_sentences() const noexcept { return sentences_ != 0; }
    void pardon_all() noexcept;

private:
    struct death {
        clock::time_point at;
        std::uint64_t fingerprint;
    };
    struct record {
        unsigned deaths = 0; // among deaths_
        std::optional<clock::time_point> until;
    };

    void forget_before(clock::time_point now) noexcept;

    const unsigned after_;
    const std::chrono::nanoseconds time_;
    std::deque<death> deaths_; // that still count, in order
    std::unordered_map<std::uint64_t, record> records_;
    std::size_t sentences_ = 0; // records with `until`
};

} // namespace ferry::detail
