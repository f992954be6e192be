// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/pool_options.hpp>

#include <chrono>
#include <new>

namespace ferry::detail {

/// Adds what is stuck to the report; `label()` describes it. Without memory it is told without its
/// name, or not at all.
template <class Label>
void add_stuck(shutdown_report& report, std::chrono::nanoseconds age, Label&& label) noexcept {
    try {
        auto& stuck = report.stuck.emplace_back();
        stuck.age = age;
        stuck.label = label();
    } catch (const std::bad_alloc&) { // the shutdown goes on
    }
}

} // namespace ferry::detail
