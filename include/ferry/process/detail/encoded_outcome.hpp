// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/entry_point.hpp>

#include <cstddef>
#include <vector>

namespace ferry::detail {

/// The outcome of a call as its worker has encoded it, for whoever passes it on.
struct encoded_outcome {
    bool failed = false; ///< the bytes are an exception
    std::vector<std::byte> bytes = {};
};

template <>
struct is_plain<encoded_outcome> : std::true_type {};

template <>
struct result_decoder<encoded_outcome> {
    static encoded_outcome decode(byte_source& in) { return rest(in, false); }
    static encoded_outcome decode_error(byte_source& in) noexcept { return rest(in, true); }

private:
    static encoded_outcome rest(byte_source& in, bool failed) {
        const std::size_t size = in.remaining();
        const auto* const at = reinterpret_cast<const std::byte*>(in.take(size));
        return {failed, {at, at + size}};
    }
};

} // namespace ferry::detail
