// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "type_bases.hpp"

#include <ferry/process/detail/code.hpp>

#include <boost/exception/exception.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string_view>

namespace ferry::detail {
namespace {

// The layouts that the Itanium C++ ABI prescribes for the type_info objects of classes.
struct class_layout {
    const void* virtual_table;
    const char* name;
};
struct single_layout : class_layout {
    const std::type_info* base;
};
struct base_layout {
    const std::type_info* type;
    long offset_and_flags; // bit 0: virtual; from bit 8 on: the offset
};
struct multiple_layout : class_layout {
    unsigned flags;
    unsigned count; // of the base_layouts that follow
};

struct one {};
struct other {};
struct both : one, other {};

// Reads the first word at an address. Another process may have named the address, so the word may
// be anything, including what a sanitizer takes for a gap between objects.
__attribute__((no_sanitize("address", "thread"))) const void* table_of(const void* at) {
    return *static_cast<const void* const volatile*>(at);
}

enum class kind { none, no_base, single, multiple };
kind kind_of(const void* type) {
    const void* const table = table_of(type);
    if (table == table_of(&typeid(one)))
        return kind::no_base;
    if (table == table_of(&typeid(std::runtime_error)))
        return kind::single;
    return table == table_of(&typeid(both)) ? kind::multiple : kind::none;
}

bool begins_with(const std::type_info& type, const std::type_info& base) {
    if (type == base)
        return true;
    for (const auto& b : bases_of(type)) {
        if (b.at_start && begins_with(*b.type, base))
            return true;
    }
    return false;
}

bool begins(const std::type_info& type, std::initializer_list<std::string_view> with) {
    const std::string_view name = type.name();
    return std::any_of(with.begin(), with.end(),
                       [name](std::string_view w) { return name.starts_with(w); });
}

bool is_wrapper(const std::type_info& type) {
    return is_boost_wrapper(type) || begins(type, {"N5boost6detail19with_throw_locationI",
                                                   "St17_Nested_exceptionI", "NSt3__18__nestedI"});
}
/// Whether a wrapper derives from the class beside the wrapped one.
bool is_added(const std::type_info& type) {
    return type == typeid(boost::exception) || type == typeid(std::nested_exception) ||
           begins(type, {"N5boost16exception_detail10clone_base", "N5boost6detail14throw_location",
                         "N5boost6detail19wrapexcept_add_baseI"});
}

} // namespace

std::vector<direct_base> bases_of(const std::type_info& type) {
    const void* const at = &type;
    switch (kind_of(at)) {
    case kind::none:
    case kind::no_base: break;
    case kind::single: return {{static_cast<const single_layout*>(at)->base, true}};
    case kind::multiple: {
        const auto* const layout = static_cast<const multiple_layout*>(at);
        const auto* const bases = reinterpret_cast<const base_layout*>(layout + 1);
        std::vector<direct_base> all;
        all.reserve(layout->count);
        for (unsigned i = 0; i < layout->count; ++i)
            all.push_back({bases[i].type, (bases[i].offset_and_flags & 1) == 0 &&
                                              bases[i].offset_and_flags >> 8 == 0});
        return all;
    }
    }
    return {};
}

bool is_object_of(const void* at, const std::type_info& base) {
    const auto is_aligned = [](const void* p) {
        return reinterpret_cast<std::uintptr_t>(p) % alignof(void*) == 0;
    };
    if (!is_aligned(at))
        return false;
    // The first word of an object refers to its table of virtual functions, in front of which are
    // the offset to the complete object and a pointer to its type_info.
    const auto table = reinterpret_cast<std::uintptr_t>(table_of(at));
    constexpr std::size_t in_front = 2 * sizeof(void*);
    const auto* const before = reinterpret_cast<const std::byte*>(table - in_front);
    if (table < in_front || !is_aligned(before) ||
        !is_constant_data(before, in_front + sizeof(void*)) || table_of(before) != nullptr)
        return false;
    const void* const type = table_of(before + sizeof(void*));
    return is_aligned(type) && is_constant_data(type, sizeof(class_layout)) &&
           kind_of(type) != kind::none &&
           begins_with(*static_cast<const std::type_info*>(type), base);
}

bool is_boost_wrapper(const std::type_info& type) {
    return begins(type, {"N5boost10wrapexceptI", "N5boost16exception_detail"});
}
// NOLINTBEGIN(bugprone-return-const-ref-from-parameter): type_info objects live forever
const std::type_info& unwrapped(const std::type_info& type) {
    if (!is_wrapper(type))
        return type;
    for (const auto& b : bases_of(type)) {
        if (!is_added(*b.type))
            return unwrapped(*b.type);
    }
    return type;
}
// NOLINTEND(bugprone-return-const-ref-from-parameter)

} // namespace ferry::detail
