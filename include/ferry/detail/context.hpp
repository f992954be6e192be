// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ferry::detail {

class context_entry;
class context_key;

/// The values that follow some work: the innermost entry, which knows the one around it.
using context_ptr = boost::intrusive_ptr<const context_entry>;

/// How a value is carried to another process.
struct context_codec {
    std::string (*encode)(const void* value);
    context_ptr (*decode)(const context_key& key, std::string_view bytes, context_ptr outer);
};

/// What a value is known by. One that stands in zeroed memory was not constructed.
class FERRY_DECL context_key {
public:
    explicit context_key(const context_codec* codec) noexcept;
    context_key(const context_key&) = delete;
    context_key& operator=(const context_key&) = delete;

    /// Unlike its address, nobody else's ever.
    std::uint64_t number() const noexcept { return number_; }
    /// Null where the value cannot be sent.
    const context_codec* codec() const noexcept { return codec_; }

private:
    const std::uint64_t number_;
    const context_codec* const codec_;
};

/// One value, or what a hook has captured. Constant, and shared by all that it follows.
class FERRY_DECL context_entry : public boost::intrusive_ref_counter<context_entry> {
public:
    context_entry(const context_entry&) = delete;
    context_entry& operator=(const context_entry&) = delete;
    virtual ~context_entry() = default;

    virtual const void* value() const noexcept = 0;

    const std::uint64_t number;       // of its key; 0: what a hook has captured
    const context_key* const key;     // an address only: the object may be gone
    const context_codec* const codec; // null where the value cannot be sent
    const context_ptr outer;

protected:
    context_entry(const context_key* k, context_ptr o) noexcept
        : number(k != nullptr ? k->number() : 0), key(k),
          codec(k != nullptr ? k->codec() : nullptr), outer(std::move(o)) {}
};

template <class T>
class context_entry_of final : public context_entry {
public:
    context_entry_of(const context_key& k, T v, context_ptr o)
        : context_entry(&k, std::move(o)), value_(std::move(v)) {}
    const void* value() const noexcept override { return std::addressof(value_); }

private:
    const T value_;
};

extern FERRY_DECL std::atomic<bool> contexts_used;

/// False in a program that has neither values nor a hook, which pays for nothing else.
inline bool contexts_in_use() noexcept { return contexts_used.load(std::memory_order_relaxed); }
inline void use_contexts() noexcept { contexts_used.store(true, std::memory_order_relaxed); }

/// The values that the calling thread sees, or null.
FERRY_DECL context_ptr current_values() noexcept;
/// The same values with what the hook captures now.
FERRY_DECL context_ptr with_capture_of_hook(context_ptr values);
/// The value of that key, or null.
FERRY_DECL const void* find_in_context(std::uint64_t number) noexcept;

/// What work that is started now is to see, with what the hook captures; null if there is nothing.
FERRY_DECL context_ptr capture_context_slowly();
inline context_ptr capture_context() {
    return contexts_in_use() ? capture_context_slowly() : nullptr;
}

/// Makes what was captured the context of the calling thread while it lives.
class FERRY_DECL context_scope {
public:
    explicit context_scope(context_ptr context) noexcept;
    ~context_scope();
    context_scope(const context_scope&) = delete;
    context_scope& operator=(const context_scope&) = delete;

private:
    const context_ptr context_;
    const context_entry* const outer_;
    std::shared_ptr<void> activation_; // the hook's
};

/// The same where contexts are used at all.
class optional_context_scope {
public:
    explicit optional_context_scope(const context_ptr& context) noexcept {
        if (contexts_in_use())
            scope_.emplace(context);
    }

private:
    std::optional<context_scope> scope_;
};

} // namespace ferry::detail
