// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/task.hpp>

#include "segment.hpp"

#include <utility>

namespace ferry::detail {

std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode) {
    segment_store store(0);
    byte_sink out(store);
    encode(out);
    const auto bytes = out.bytes();
    return {bytes.begin(), bytes.end()};
}

void remote_call::decode() {
    arrived_answer from = std::exchange(arrived, {});
    const std::byte* const at = from.shared != nullptr ? from.shared->data() : from.copy.get();
    byte_source in(std::span(at, from.size));
    if (from.failed)
        finish_with_error(in);
    else
        finish(in);
    if (from.shared != nullptr) // its worker may use it again
        from.shared->head().in_use.store(0, std::memory_order_release);
}

} // namespace ferry::detail
