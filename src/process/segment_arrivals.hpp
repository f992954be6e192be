// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "message.hpp"
#include "segment.hpp"
#include "support/descriptor.hpp"
#include "wire.hpp"

#include <memory>
#include <optional>

namespace ferry::detail {

/// The shared mappings that a worker puts large results in. The worker sends each over its socket
/// before the first answer that refers to it, and the pool receives it when it reads that answer.
/// For the reader.
///
/// Invariants:
/// - Mappings are made in the order in which the worker sent them. One that cannot be made now,
///   because this process is short of memory or descriptors, is kept and tried again first.
/// - A mapping that the worker gives away is never found a second time: it belongs to the answer.
class segment_arrivals {
public:
    /// Receives from `socket`, which must stay open.
    explicit segment_arrivals(int socket) noexcept : socket_(socket) {}

    /// The mapping that an answer refers to; `given_away`: as the answer says. Null while this
    /// process has no room for it. Errors: `bad_segment` if the worker sent something else, or
    /// nothing.
    std::shared_ptr<segment> find(const wire::segment_ref& ref, bool given_away);

private:
    struct arrival {
        wire::message message;
        descriptor file;
    };

    bool receive();
    std::shared_ptr<segment> map_gift(const wire::segment_ref& ref, bool expected);

    const int socket_;
    received_segments known_{segment::side::pool};
    std::optional<arrival> unmapped_;
};

} // namespace ferry::detail
