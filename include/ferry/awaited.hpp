// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <functional>
#include <type_traits>
#include <variant>

namespace ferry {

/// The type in which an awaitable or a completion handler receives a result of type `T`: `T`
/// itself, or a `std::reference_wrapper` if `T` is a reference.
template <class T>
using awaited_t = std::conditional_t<std::is_reference_v<T>,
                                     std::reference_wrapper<std::remove_reference_t<T>>, T>;

/// The type in which a result of type `T` is stored in a tuple, a vector or a `result`: as
/// `awaited_t<T>`, with `std::monostate` in place of `void`.
template <class T>
using regular_t = std::conditional_t<std::is_void_v<T>, std::monostate, awaited_t<T>>;

} // namespace ferry
