// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_calls.hpp"

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/process/context.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/detail/entry_point.hpp>
#include <ferry/unhandled.hpp>

#include "own_limits.hpp"
#include "worker_exit.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ferry::detail {
namespace {

// Ends the process where a call leaves its thread without returning or throwing.
struct must_return {
    bool returned = false;
    ~must_return() {
        if (!returned)
            leave(wire::exit_unwound);
    }
};

} // namespace

void worker_calls::invoke(std::span<const std::byte> body, byte_sink& out,
                          const std::stop_token& stop) {
    byte_source in(body);
    const auto what = in.get<wire::run_body>();
    std::string path(what.path_size, '\0');
    in.read(path.data(), path.size());
    const std::string_view context(in.take(what.context_size), what.context_size);
    const void* entry = nullptr;
    {
        const limits_lifted own;
        entry = detail::resolve({what.module, what.offset, path});
    }
    auto arguments = body.last(in.remaining());
    std::shared_ptr<segment> shared;
    if (what.in_segment != 0) {
        const auto ref = in.get<wire::segment_ref>();
        shared = arguments_.find_for_call(ref);
        arguments = {shared->data(), ref.size};
    }
    byte_source from(arguments, what.in_segment == 2 ? std::move(shared) : nullptr);
    const optional_context_scope scope(context.empty() ? nullptr : decode_context(context));
    reinterpret_cast<entry_point>(const_cast<void*>(entry))(from, out, stop);
}

bool worker_calls::call(std::span<const std::byte> body, byte_sink& out,
                        const std::stop_token& stop) {
    must_return guard;
    try {
        invoke(body, out, stop);
        guard.returned = true;
        return true;
    } catch (...) {
        const auto error = caught_or_unwind();
        call_failed(error);
        out.truncate(0);
        put_exception(out, error);
        guard.returned = true;
        return false;
    }
}

void worker_calls::keep_finalizer(std::span<const std::byte> body) {
    byte_source in(body);
    auto what = in.get<wire::run_body>();
    static_cast<void>(in.take(what.path_size));
    auto arguments = body.last(in.remaining());
    std::shared_ptr<segment> shared;
    if (what.in_segment != 0) {
        const auto ref = in.get<wire::segment_ref>();
        shared = arguments_.find(ref);
        arguments = {shared->data(), ref.size};
    }
    const auto path = body.subspan(sizeof what, what.path_size);
    what.in_segment = 0;
    for (const auto part : {std::as_bytes(std::span(&what, 1)), path, arguments})
        finalizer_.insert(finalizer_.end(), part.begin(), part.end());
}

void worker_calls::call_finalizer(byte_sink& out) {
    if (finalizer_.empty())
        return;
    must_return guard;
    try {
        invoke(finalizer_, out, {});
    } catch (...) {
        report_or_unwind();
    }
    guard.returned = true;
}

} // namespace ferry::detail
