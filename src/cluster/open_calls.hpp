// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "open_call.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace ferry::detail::cluster {

/// The calls of a cluster pool that have no published outcome, by their numbers. It knows no clock,
/// thread or lock.
///
/// A call leaves the table when its outcome is certain; it counts as unfinished until that was
/// published, which happens without the pool's lock. References stay good until the call leaves.
class open_calls {
public:
    using table = std::unordered_map<std::uint64_t, open_call>;

    /// Gives it the next number, and writes that into `remote_call::number`.
    open_call& add(open_call c);
    /// Null if it was not added, or has left.
    open_call* find(std::uint64_t number) noexcept;
    open_call& at(std::uint64_t number) noexcept;
    /// Any of them; null if there is none.
    open_call* any() noexcept { return calls_.empty() ? nullptr : &calls_.begin()->second; }
    const table& all() const noexcept { return calls_; }

    /// The call leaves the table; its outcome is to be published.
    remote_call_ptr take(open_call& c);
    /// So many outcomes were published.
    void published(std::size_t outcomes) noexcept;
    bool have_all_ended() const noexcept { return calls_.empty() && unpublished_ == 0; }

private:
    table calls_;
    std::uint64_t numbers_ = 0;
    std::size_t unpublished_ = 0; // outcomes of those that have left
};

} // namespace ferry::detail::cluster
