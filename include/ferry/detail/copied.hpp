// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <type_traits>

namespace ferry::detail {

// The names of concepts like this one say what to do, because compilers print them.

/// What is passed as `T&&` can be kept in a copy.
template <class T>
concept copied_or_moved_into_the_call__say_std_move =
    std::is_constructible_v<std::decay_t<T>, T> && std::is_destructible_v<std::decay_t<T>> &&
    (std::is_move_constructible_v<std::decay_t<T>>);

} // namespace ferry::detail
