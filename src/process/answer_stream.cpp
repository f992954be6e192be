// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "answer_stream.hpp"

#include <ferry/detail/assert.hpp>

#include <cstring>
#include <new>
#include <utility>

namespace ferry::detail {

answer_stream::reading answer_stream::read(answer& a, wire::frame& f) {
    if (waiting_)
        return read_large(a);
    const wire::decoded d = frames_.next(f);
    if (d != wire::decoded::frame)
        return d == wire::decoded::nothing ? reading::nothing : reading::broken;
    switch (f.header.kind) {
    case wire::frame_kind::ready:
    case wire::frame_kind::not_ready: return read_start();
    case wire::frame_kind::progress:
        return f.body.size() < sizeof(wire::progress_body) ||
                       f.body.size() > sizeof(wire::progress_body) + wire::longest_note
                   ? reading::broken
                   : reading::progress;
    case wire::frame_kind::value:
    case wire::frame_kind::error: return read_answer(a, f);
    default: return reading::broken;
    }
}

answer_stream::reading answer_stream::read_start() noexcept {
    return std::exchange(said_whether_ready_, true) ? reading::broken : reading::start;
}

answer_stream::reading answer_stream::read_answer(answer& a, const wire::frame& f) {
    wire::answer_body body;
    if (f.body.size() < sizeof body)
        return reading::broken;
    std::memcpy(&body, f.body.data(), sizeof body); // read once: the worker may change it
    a.header = f.header;
    a.says = body;
    a.bytes = f.body.subspan(sizeof body);
    if (body.in_segment == 0)
        return reading::answer;
    large_answer large{.header = f.header, .says = body, .ref = {}};
    if (a.bytes.size() != sizeof large.ref)
        return reading::broken;
    std::memcpy(&large.ref, a.bytes.data(), sizeof large.ref);
    waiting_ = large;
    return read_large(a);
}

// Completes the answer that waits for its mapping, if that can be received now.
answer_stream::reading answer_stream::read_large(answer& a) {
    FERRY_ASSERT(waiting_ && a.shared == nullptr);
    try {
        a.shared = mappings_.find(waiting_->ref, waiting_->says.in_segment == 2);
    } catch (const bad_segment&) {
        return reading::broken;
    } catch (const std::bad_alloc&) {
        return reading::later;
    }
    if (a.shared == nullptr)
        return reading::later;
    a.header = waiting_->header;
    a.says = waiting_->says;
    a.bytes = {};
    a.size = waiting_->ref.size;
    waiting_.reset();
    return reading::answer;
}

} // namespace ferry::detail
