// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/bytes.hpp>

#include "message.hpp"
#include "pool_socket.hpp"
#include "segment.hpp"
#include "wire.hpp"

#include <cstdint>
#include <optional>

namespace ferry::detail {

/// The shared mappings that a worker encodes into, and in which its pool reads large results. Waits
/// for memory and for the socket as long as that may help, and else ends the process. For the
/// worker's main thread.
class result_segments {
public:
    /// The socket must outlive it.
    explicit result_segments(const pool_socket& socket) noexcept : socket_(socket) {}

    /// Where results are encoded.
    segment_store& store() noexcept { return store_; }

    /// A result that the pool can read in a mapping.
    struct shared_result {
        wire::segment_ref ref;
        bool is_given_away = false; ///< this process has no mapping of it any more
    };
    /// Puts a result that is too large for a frame where the pool can read it; else does nothing.
    std::optional<shared_result> share(byte_sink& result);

    /// Returns memory to the system that was needed for larger results than those that came since.
    void trim() noexcept;
    /// Whether there is memory that `trim` may have to give back one day.
    bool has_large() noexcept { return store_.has_large(); }

private:
    payload in_mapping(payload p);
    void announce(const segment& s);
    void give_away(payload p);

    const pool_socket& socket_;
    segment_store store_{4, segment::side::worker};
    segment_announcer announced_; // the store's
};

} // namespace ferry::detail
