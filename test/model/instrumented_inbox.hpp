// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "fibers.hpp"

#include "support/prefetch.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/work_item.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

// The real source of the inbox, read a second time as instrumented::detail::inbox: its atomics are
// those below, whose operations are the steps of `model::machine`. Everything that it includes has
// been included before.

namespace instrumented {

/// What the threads have beside the code under test.
struct surroundings {
    bool assertions_hold = true;
    // False in mutants.
    bool exchanges_are_atomic = true, compares = true, links_are_reset = true;
};
inline surroundings* around = nullptr;

} // namespace instrumented

namespace instrumented_std {

using namespace ::std; // NOLINT

template <class T>
class atomic {
public:
    atomic(T v) noexcept : value_(v) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(memory_order = memory_order_seq_cst) const noexcept {
        model::machine::step("load");
        return value_;
    }
    void store(T v, memory_order = memory_order_seq_cst) noexcept {
        model::machine::step("store");
        if (v != T() || instrumented::around->links_are_reset)
            value_ = v;
    }
    T exchange(T v) noexcept {
        model::machine::step("exchange");
        const T before = value_;
        if (!instrumented::around->exchanges_are_atomic)
            model::machine::step("exchange, second half");
        value_ = v;
        return before;
    }
    bool compare_exchange_strong(T& expected, T v) noexcept {
        model::machine::step("compare and exchange");
        if (instrumented::around->compares && value_ != expected) {
            expected = value_;
            return false;
        }
        value_ = v;
        return true;
    }
    T fetch_add(T n, memory_order) noexcept {
        model::machine::step("add");
        return ::std::exchange(value_, static_cast<T>(value_ + n));
    }

private:
    T value_;
};

// A hint.
template <>
class atomic<int> {
public:
    atomic(int v) noexcept : value_(v) {}
    int load(memory_order) const noexcept { return value_; }
    void store(int, memory_order) noexcept {}

private:
    int value_;
};

} // namespace instrumented_std

namespace instrumented::detail {

using ::ferry::detail::fetch_object_for_writing;
using ::ferry::detail::this_processor;

struct work_item {
    bool is_task() const noexcept { return true; }

    instrumented_std::atomic<work_item*> next{nullptr};
    unsigned taken = 0; // how often
};

} // namespace instrumented::detail

#define std instrumented_std
#define ferry instrumented
#undef FERRY_ASSERT
#define FERRY_ASSERT(expression)                                                                   \
    (model::machine::count_steps(false),                                                           \
     around->assertions_hold = around->assertions_hold && (expression),                            \
     model::machine::count_steps(true))
#include "pool/inbox.hpp" // NOLINT
#undef FERRY_ASSERT
#undef ferry
#undef std
