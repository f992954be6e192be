// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <optional>

namespace ferry::detail::cluster {

/// Whether a pool reaches its broker, for which it needs two connections, and whether it would hear
/// of its hosts. A state machine; it knows no clock and no lock.
///
/// Invariant: `lost_since_` is set while one of the connections is missing, as from the start.
class broker_reach {
public:
    using time = std::chrono::steady_clock::time_point;

    explicit broker_reach(time now) noexcept : lost_since_(now) {}

    /// A connection is there, or is lost. True if the broker is reached by that, or not any longer.
    bool set_publishing(bool is, time now) noexcept;
    bool set_hearing(bool is, time now) noexcept;
    /// The broker accepts nothing, or does again. True if that changes anything.
    bool set_blocked(bool is) noexcept;

    bool connected() const noexcept { return publishing_ && hearing_; }
    std::optional<time> lost_since() const noexcept { return lost_since_; }
    /// Whether silence means something. A broker that accepts nothing accepts no beats either.
    bool can_hear() const noexcept { return hearing_ && !blocked_; }

private:
    bool note(time now) noexcept;

    bool publishing_ = false;
    bool hearing_ = false;
    bool blocked_ = false;
    std::optional<time> lost_since_;
};

} // namespace ferry::detail::cluster
