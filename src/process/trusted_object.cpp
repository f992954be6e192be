// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Objects of static storage that another process names.
#include "trusted_object.hpp"

#include <ferry/process/code.hpp>

#include <cstring>
#include <cxxabi.h>
#include <elf.h>
#include <link.h>

namespace ferry::detail {
namespace {

// Whether a module has so many bytes there that can be read, with these flags.
bool is_mapped(std::uintptr_t at, std::size_t size, unsigned flags) noexcept {
    struct request {
        std::uintptr_t at;
        std::size_t size;
        unsigned flags;
    } r{at, size, flags};
    if (at % alignof(void*) != 0 || at == 0)
        return false;
    return ::dl_iterate_phdr(
               [](dl_phdr_info* info, std::size_t, void* p) {
                   const auto& q = *static_cast<request*>(p);
                   for (int i = 0; i < info->dlpi_phnum; ++i) {
                       const auto& h = info->dlpi_phdr[i];
                       const std::uintptr_t from = q.at - (info->dlpi_addr + h.p_vaddr);
                       if (h.p_type == PT_LOAD && (h.p_flags & q.flags) == q.flags &&
                           from < h.p_memsz && h.p_memsz - from >= q.size)
                           return 1;
                   }
                   return 0;
               },
               &r) != 0;
}

template <class T>
bool read(std::uintptr_t at, T& value) noexcept {
    if (!is_mapped(at, sizeof value, PF_R))
        return false;
    std::memcpy(&value, reinterpret_cast<const void*>(at), sizeof value);
    return true;
}

std::uintptr_t first_word(const void* p) noexcept {
    std::uintptr_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
}

// Classes whose information is of each kind, to know its virtual functions by.
struct none {
    virtual ~none() = default;
};
struct single : none {};
struct other {
    virtual ~other() = default;
};
struct several : none, other {};

// Whether `type`, an address, is the information on a class that is a `base` from its start on.
bool starts_with(std::uintptr_t type, const std::type_info& base, int depth) noexcept {
    std::uintptr_t functions = 0;
    std::uintptr_t name = 0;
    if (depth == 0 || !read(type, functions) || !read(type + sizeof(void*), name))
        return false;
    if (functions != first_word(&typeid(none)) && functions != first_word(&typeid(single)) &&
        functions != first_word(&typeid(several)))
        return false;
    const auto& info = *reinterpret_cast<const std::type_info*>(type);
    if (info == base)
        return true;
    std::uintptr_t next = 0;
    if (functions == first_word(&typeid(single)))
        return read(type + 2 * sizeof(void*), next) && starts_with(next, base, depth - 1);
    if (functions != first_word(&typeid(several)))
        return false;
    // Flags and number, then for each base class its information and its offset with flags.
    long offset_flags = 0;
    unsigned count = 0;
    if (!read(type + 2 * sizeof(void*), next))
        return false;
    std::memcpy(&count, reinterpret_cast<const char*>(&next) + sizeof count, sizeof count);
    return count != 0 && read(type + 3 * sizeof(void*), next) &&
           read(type + 4 * sizeof(void*), offset_flags) && offset_flags >> 8 == 0 &&
           (offset_flags & 1) == 0 && starts_with(next, base, depth - 1);
}

} // namespace

const void* find_object(std::uint64_t module, std::uint64_t offset,
                        const std::type_info& base) {
    const auto start = loaded_at(module);
    const std::uintptr_t at = start.value_or(0) + offset;
    std::uintptr_t functions = 0;
    std::ptrdiff_t to_top = 0;
    std::uintptr_t type = 0;
    // An object's first word says where the functions of its class are, and the two words before
    // them where the object starts and what class it is.
    if (!start || !read(at, functions) || functions < 2 * sizeof(void*) ||
        !read(functions - 2 * sizeof(void*), to_top) || to_top != 0 ||
        !read(functions - sizeof(void*), type) || !is_mapped(functions, sizeof(void*), PF_R) ||
        !starts_with(type, base, 16))
        return nullptr;
    return reinterpret_cast<const void*>(at);
}

} // namespace ferry::detail
