// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "segment_arrivals.hpp"

#include <array>
#include <exception>
#include <utility>

namespace ferry::detail {

std::shared_ptr<segment> segment_arrivals::find(const wire::segment_ref& ref, bool given_away) {
    for (int rounds = 0; rounds < 64; ++rounds) { // mappings that were sent earlier come first
        if (auto s = given_away ? nullptr : known_.find(ref.id, ref.size))
            return s;
        if (!unmapped_ && !receive())
            return nullptr;
        try {
            if (unmapped_->message.kind == wire::message::what::gift)
                return map_gift(ref, given_away);
            known_.add(unmapped_->message.id, unmapped_->file, unmapped_->message.number);
        } catch (const bad_segment&) {
            throw;
        } catch (const std::exception&) { // this process is short of memory
            return nullptr;
        }
        unmapped_.reset();
    }
    throw bad_segment("the worker announced shared mappings without end");
}

// Returns false if this process has no room for the descriptor; the message stays in the socket.
bool segment_arrivals::receive() {
    wire::message m;
    std::array<descriptor, 2> files;
    switch (receive_message(socket_, m, files, false)) {
    case reception::message: break;
    case reception::is_short: return false;
    default: throw bad_segment("the worker's shared mapping did not arrive");
    }
    if ((m.kind != wire::message::what::segment && m.kind != wire::message::what::gift) ||
        !files[0])
        throw bad_segment("the worker sent what no worker sends");
    unmapped_.emplace(arrival{m, std::move(files[0])});
    return true;
}

std::shared_ptr<segment> segment_arrivals::map_gift(const wire::segment_ref& ref, bool expected) {
    const wire::message m = unmapped_->message;
    known_.forget(m.id); // the worker may have announced it before it gave it away
    auto s = std::make_shared<segment>(segment::gift{}, m.id, unmapped_->file, m.number);
    unmapped_.reset();
    if (!expected || m.id != ref.id || s->capacity() < ref.size)
        throw bad_segment("the worker gave something else than it said");
    return s;
}

} // namespace ferry::detail
