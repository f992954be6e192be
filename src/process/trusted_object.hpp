// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <typeinfo>

namespace ferry::detail {

/// The object of a class derived from `base` that is said to be so far into that module of this
/// process, or null where there is none. Nothing that is said is believed: the module must be here
/// already, and what is there must be an object with the virtual functions of such a class. The
/// address is that of the part that is a `base`, which has no virtual base classes.
/// Thread safety: safe.
const void* find_object(std::uint64_t module, std::uint64_t offset,
                        const std::type_info& base);

} // namespace ferry::detail
