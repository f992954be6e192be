// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <typeinfo>
#include <vector>

namespace ferry::detail {

struct direct_base {
    const std::type_info* type = nullptr;
    bool at_start = false; ///< where the derived object begins
};

/// The direct bases of a class, as the Itanium C++ ABI describes them at run time; none for what is
/// no class.
std::vector<direct_base> bases_of(const std::type_info& type);

/// True where what lies at `at`, of which another process says that it is an object with virtual
/// functions, is one whose class is or derives from `base` and begins with it. It trusts nothing
/// but memory that cannot be written to.
bool is_object_of(const void* at, const std::type_info& base);

/// True for the classes that Boost derives from an exception that it throws for somebody.
bool is_boost_wrapper(const std::type_info& type);
/// The type that was thrown: without what Boost, or std::throw_with_nested, derived from it.
const std::type_info& unwrapped(const std::type_info& type);

} // namespace ferry::detail
