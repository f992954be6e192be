// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <utility>

namespace ferry::detail {

/// Calls a function at the end of a scope, also where an exception leaves it. The function must not
/// throw.
template <class F>
class [[nodiscard]] scope_exit {
public:
    explicit scope_exit(F f) noexcept : f_(std::move(f)) {}
    scope_exit(const scope_exit&) = delete;
    scope_exit& operator=(const scope_exit&) = delete;
    ~scope_exit() { f_(); }

private:
    F f_;
};

} // namespace ferry::detail
