// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <typeinfo>

namespace ferry::detail {

/// What a task is called in statistics, before that is spelled out: by its label, else by the place
/// of its options, else by the function or the type that is called.
struct task_label {
    enum class kind : std::uint8_t { none, text, place, function, type };

    kind how = kind::none;
    std::uint32_t line = 0;        // of a place
    const void* address = nullptr; // of the function or the type_info; the file name of a place
    std::string_view text = {};    // valid as long as the task

    static task_label of_text(std::string_view t) noexcept { return {kind::text, 0, nullptr, t}; }
    static task_label of_place(const char* file, std::uint32_t line) noexcept {
        return {kind::place, line, file, {}};
    }
    static task_label of_type(const std::type_info& t) noexcept { return {kind::type, 0, &t, {}}; }

    std::uint64_t hash() const noexcept {
        if (how == kind::text)
            return std::hash<std::string_view>()(text) * 0x9e3779b97f4a7c15U;
        return (static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address)) + line) *
               0x9e3779b97f4a7c15U;
    }
    friend bool operator==(const task_label& a, const task_label& b) noexcept {
        return a.address == b.address && a.line == b.line && a.how == b.how && a.text == b.text;
    }
};

/// The label of a call of `f`, which has none of its own.
template <class F>
task_label label_of_callable(const F& f) noexcept {
    if constexpr (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>)
        return {task_label::kind::function, 0, reinterpret_cast<const void*>(f), {}};
    else
        return task_label::of_type(typeid(F));
}

} // namespace ferry::detail
