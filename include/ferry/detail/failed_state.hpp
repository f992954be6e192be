// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/shared_state.hpp>

namespace ferry::detail {

/// A state that has failed with that error.
template <class T>
boost::intrusive_ptr<shared_state<T>> failed_state(std::exception_ptr error) {
    auto s = make_state<shared_state<T>>();
    s->fail(std::move(error));
    return s;
}

/// The state that `submit` returns; what it throws is the outcome of one, unless the thread is
/// being ended.
template <class T, class Submit>
boost::intrusive_ptr<shared_state<T>> state_from(Submit submit) {
    try {
        return submit();
    } catch (...) {
        return failed_state<T>(caught_or_unwind());
    }
}

} // namespace ferry::detail
