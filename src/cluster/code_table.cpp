// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/cluster/code_table.hpp>

#include "support/annotated_mutex.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::detail {
namespace {

// Without a constructor, since records are entered before main, in any order.
std::atomic<code_record*> first_record{nullptr};
std::atomic<std::uint64_t> record_changes{0};

std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : text)
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return h | 1; // 0 is no code
}

std::string readable(const code_record& r) { return demangle(r.type.name()); }

code_key make_key(const code_record& r, cluster_match match) {
    code_key key{hash_of(r.type.name()), 0, 0};
    if (match == cluster_match::same_build) {
        const code_ref at = locate(r.address);
        key.module = at.module;
        key.offset = at.offset;
    }
    return key;
}

// What was found in the list, for one kind of key.
struct index {
    std::map<code_key, std::vector<const code_record*>> by_key;
    std::map<const void*, const code_record*> functions;
    std::map<std::pair<std::uint64_t, std::uint64_t>, const code_record*> calls; // by their places
    std::uint64_t changes = 0;

    void refresh(cluster_match match);
};

// Of the list of records and of both indexes.
annotated_mutex& table_mutex() {
    static auto* const m = new annotated_mutex; // outlives every static pool
    return *m;
}

index& index_for(cluster_match match) FERRY_REQUIRES(table_mutex()) {
    static auto* const both = new index[2]; // likewise
    index& i = both[match == cluster_match::same_build ? 0 : 1];
    i.refresh(match);
    return i;
}

void index::refresh(cluster_match match) {
    const std::uint64_t now = record_changes.load(std::memory_order_acquire);
    if (now == changes)
        return;
    by_key.clear();
    functions.clear();
    calls.clear();
    for (const code_record* r = first_record.load(std::memory_order_acquire); r != nullptr;
         r = r->next) {
        by_key[make_key(*r, match)].push_back(r);
        if (r->what == code_record::kind::function)
            functions.emplace(r->address, r);
        else if (const code_ref at = locate(r->address); true)
            calls.emplace(std::pair(at.module, at.offset), r);
    }
    changes = now;
}

// The name as the compiler wrote it: g++ begins that of a type of internal linkage with a star.
#ifdef __GLIBCXX__ // leaves the star out of `name()`
struct raw_name : std::type_info {
    static const char* of(const std::type_info& t) noexcept { return t.*(&raw_name::__name); }
};
#else
struct raw_name {
    static const char* of(const std::type_info& t) noexcept { return t.name(); }
};
#endif

} // namespace

code_record::code_record(kind w, const std::type_info& tag, const void* code, bool pointer) noexcept
    : what(w), type(tag), address(code), calls_pointer(pointer) {
    const annotated_lock lock(table_mutex());
    next = first_record.load(std::memory_order_relaxed);
    first_record.store(this, std::memory_order_release);
    record_changes.fetch_add(1, std::memory_order_release);
}

// Its shared library is unloaded, or the program ends.
code_record::~code_record() {
    const annotated_lock lock(table_mutex());
    code_record* r = first_record.load(std::memory_order_relaxed);
    if (r == this) {
        first_record.store(next, std::memory_order_release);
    } else {
        while (r != nullptr && r->next != this)
            r = r->next;
        if (r != nullptr)
            r->next = next;
    }
    record_changes.fetch_add(1, std::memory_order_release);
}

bool has_internal_linkage(const std::type_info& type) noexcept {
    if (raw_name::of(type)[0] == '*')
        return true;
    // clang does not say so in that way: names in such namespaces, numbered lambdas, and an L
    // before the length of a name.
    const std::string_view name = type.name();
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t i = 0; i < name.size();) {
        if (name[i] == 'L' && i + 1 < name.size() && name[i + 1] >= 'a' && name[i + 1] <= 'z') {
            i = std::min(name.find('E', i), name.size()); // the value of a template argument
        } else if (is_digit(name[i])) {
            if (i != 0 && name[i - 1] == 'L')
                return true;
            std::size_t size = 0;
            while (i < name.size() && is_digit(name[i]))
                size = size * 10 + static_cast<std::size_t>(name[i++] - '0');
            const auto part = name.substr(i, size);
            if (part.starts_with("_GLOBAL__N") || part.starts_with("$_"))
                return true;
            i += part.size();
        } else {
            ++i;
        }
    }
    return false;
}

code_key key_of(const code_record& record, cluster_match match) {
    if (match == cluster_match::same_signature && has_internal_linkage(record.type))
        throw std::invalid_argument("'" + readable(record) +
                                    "' cannot be sent under cluster_match::same_signature: its "
                                    "type has internal linkage, so "
                                    "another program may mean something else by its name");
    const code_key key = make_key(record, match);
    const annotated_lock lock(table_mutex());
    const auto& found = index_for(match).by_key;
    const auto it = found.find(key);
    if (it != found.end() && it->second.size() > 1)
        throw std::invalid_argument("'" + readable(*it->second[0]) + "' and '" +
                                    readable(*it->second[1]) +
                                    "' have the same key, so a host could not tell them apart");
    return key;
}

code_key key_of_function(const void* function, cluster_match match) {
    const code_record* record = nullptr;
    {
        const annotated_lock lock(table_mutex());
        const auto& known = index_for(match).functions;
        if (const auto it = known.find(function); it != known.end())
            record = it->second;
    }
    if (record == nullptr)
        throw std::invalid_argument(
            "cluster_pool: the function is not in the table of what may run "
            "on other machines; name it with ferry::allow_remote<f>()");
    return key_of(*record, match);
}

const code_record& record_of_call(const code_ref& entry) {
    const annotated_lock lock(table_mutex());
    const auto& known = index_for(cluster_match::same_build).calls;
    const auto it = known.find({entry.module, entry.offset});
    if (it == known.end())
        throw std::invalid_argument("cluster_pool: the call is not in the table of what may run on "
                                    "other machines");
    return *it->second;
}

const code_record* find_code(const code_key& key, cluster_match match) {
    const annotated_lock lock(table_mutex());
    const auto& found = index_for(match).by_key;
    const auto it = found.find(key);
    if (it == found.end() || it->second.size() != 1)
        return nullptr;
    const code_record* const r = it->second.front();
    return match == cluster_match::same_signature && has_internal_linkage(r->type) ? nullptr : r;
}

} // namespace ferry::detail
