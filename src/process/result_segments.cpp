// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "result_segments.hpp"

#include "worker_exit.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

namespace ferry::detail {

std::optional<result_segments::shared_result> result_segments::share(byte_sink& result) {
    if (result.size() < large_payload)
        return std::nullopt;
    const bool is_gift = result.is_given_away();
    payload p = in_mapping(result.finish());
    segment& s = *p.shared();
    const wire::segment_ref ref{s.id(), p.size()};
    if (is_gift) {
        give_away(std::move(p));
    } else {
        s.head().in_use.store(1, std::memory_order_relaxed);
        announce(s);
    }
    return shared_result{ref, is_gift};
}

// Moves the payload into a mapping, if it is in none. While the pool still reads the other mappings,
// this waits however long that takes.
payload result_segments::in_mapping(payload p) {
    constexpr std::chrono::microseconds moment(100);
    for (unsigned refusals = 0; p.shared() == nullptr;) {
        if (segment_ptr s = store_.lend(p.size())) {
            std::memcpy(s->data(), p.bytes().data(), p.size());
            p = payload(std::move(s), p.size(), store_);
        } else {
            refusals = store_.is_exhausted() ? 0 : refusals + 1;
            if (refusals == shortage_patience / moment)
                give_up("it had no room for a result: are its descriptors or its memory used up?");
            std::this_thread::sleep_for(moment);
        }
    }
    return p;
}

void result_segments::announce(const segment& s) {
    for (;;) {
        socket_.check();
        try {
            if (announced_.announce(socket_.file(), s))
                return;
        } catch (const std::bad_alloc&) {
            errno = ENOMEM;
        }
        socket_.wait_to_send(errno);
    }
}

// Sends the file of the mapping and keeps no mapping of it, so that the pool can seal it.
void result_segments::give_away(payload p) {
    segment_ptr s = p.give_away();
    const wire::message m{wire::message::what::gift, s->id(), s->capacity()};
    announced_.forget(m.id);
    const descriptor file = s->take_file();
    s.reset();
    const int number = file.get();
    while (!send_message(socket_.file(), m, {&number, 1}))
        socket_.wait_to_send(errno);
}

void result_segments::trim() noexcept {
    segment_store::let_go gone;
    while (store_.trim(wire::now_ns(), gone))
        announced_.forget(gone.id);
}

} // namespace ferry::detail
