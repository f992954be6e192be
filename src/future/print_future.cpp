// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/future.hpp>

#include <ferry/unhandled.hpp>

#include <new>
#include <ostream>

namespace ferry::detail {
namespace {

const char* describe(const shared_state_base& state, status s) noexcept {
    switch (s) {
    case status::value: return "finished: returned ";
    case status::error: return "finished: raised ";
    case status::running: return "running";
    case status::cancelled: return "cancelled";
    default: return state.was_cancelled() ? "cancelled" : "pending";
    }
}

std::string outcome_type(const shared_state_base& state, status s,
                         const std::type_info& type) noexcept {
    try {
        if (s == status::value)
            return demangle(type.name());
        if (s == status::error)
            return type_name_of(state.error());
    } catch (const std::bad_alloc&) {
        return "?";
    }
    return {};
}

} // namespace

std::ostream& print_future(std::ostream& out, const shared_state_base* state,
                           const std::type_info& type) {
    if (state == nullptr)
        return out << "<future invalid>";
    const status s = state->current();
    return out << "<future " << describe(*state, s) << outcome_type(*state, s, type) << '>';
}

} // namespace ferry::detail
