// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/exception.hpp>

#include <string_view>

namespace ferry::detail {

/// Rebuilds exceptions of the type with that mangled name; null for one that is not registered.
/// Thread-safe.
exception_builder find_exception_builder(std::string_view mangled_type);

} // namespace ferry::detail
