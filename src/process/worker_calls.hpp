// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/bytes.hpp>

#include "argument_segments.hpp"
#include "wire.hpp"

#include <cstddef>
#include <span>
#include <stop_token>
#include <vector>

namespace ferry::detail {

/// Calls what frames name: tasks and initializers at once, the finalizer when the worker leaves.
/// Ends the process if a call leaves its thread without returning or throwing. For the worker's
/// main thread.
class worker_calls {
public:
    /// `arguments` must outlive it.
    explicit worker_calls(argument_segments& arguments) noexcept : arguments_(arguments) {}

    /// Calls what the body of a frame names; false, and the error written to `out`, if it throws.
    bool call(std::span<const std::byte> body, byte_sink& out, const std::stop_token& stop);
    /// Copies all that the finalizer needs, because neither the frame nor the mapping of its
    /// arguments stays until it is called.
    void keep_finalizer(std::span<const std::byte> body);
    /// Calls it, if there is one; what it returns goes to `out`, what it throws is reported.
    void call_finalizer(byte_sink& out);

private:
    void invoke(std::span<const std::byte> body, byte_sink& out, const std::stop_token& stop);

    argument_segments& arguments_;
    std::vector<std::byte> finalizer_; // as the body of a frame
};

} // namespace ferry::detail
