// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/resilience/circuit_breaker.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ferry::detail {

/// The decisions of a circuit breaker: a state machine that takes the time as an argument, which
/// must not go back, and does nothing by itself.
///
/// Invariants: a new era begins with every change of state, and a pass counts in its own era only,
/// so what reports late never moves a later state. `probes_` and `unnamed_` are empty and 0 but for
/// half_open; `probes_` has at most `half_open_probes` members, in the order of their starts.
class circuit {
public:
    using clock = std::chrono::steady_clock;
    using pass = circuit_pass;

    explicit circuit(circuit_breaker_options options);

    /// The last state that was entered; still open when the reset timeout has passed.
    circuit_state entered() const noexcept { return state_; }
    circuit_state state(clock::time_point now) const noexcept;
    /// Upper bound for how long calls are still rejected; the longest duration if there is none.
    clock::duration retry_after(clock::time_point now) const noexcept;

    /// Returns a pass, or nothing for a call that is to be rejected.
    std::optional<pass> admit(clock::time_point now);
    void report(const pass& p, call_outcome how, clock::time_point now) noexcept;

    /// For a caller that keeps no pass: a report counts when the circuit is closed, and in
    /// half_open when such a caller has a probe that has not reported.
    bool admit_unnamed(clock::time_point now);
    void report_unnamed(call_outcome how, clock::time_point now) noexcept;

private:
    struct probe {
        std::uint64_t number;
        clock::time_point ends; // its place is free from then on
        bool unnamed;
    };

    void enter(circuit_state next) noexcept;
    void count(call_outcome how, clock::time_point now) noexcept;

    const circuit_breaker_options options_;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t era_ = 0;
    std::size_t failures_ = 0;     // in a row, while closed
    clock::time_point reset_at_;   // while open
    std::vector<probe> probes_;    // those that have a place
    std::uint64_t last_probe_ = 0; // number of the youngest
    std::size_t unnamed_ = 0;      // probes without a pass that have not reported
};

} // namespace ferry::detail
