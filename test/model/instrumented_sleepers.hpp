// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "fibers.hpp"

#include "support/futex.hpp"
#include "support/wake_up.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/thread_annotations.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

// The real source of `sleepers`, read a second time as instrumented::detail::sleepers: its atomics,
// lock and futex are those below, whose operations are the steps of `model::machine`. Everything
// that it includes has been included before.

namespace instrumented {

constexpr unsigned nobody = model::machine::most_threads;

/// What the threads have beside the code under test.
struct surroundings {
    unsigned lock_held_by = nobody;
    bool assertions_hold = true;
    bool waking_is_noted = true; // false in a mutant: `waking_` is never set
    unsigned on_their_way = 0;   // workers that were popped and have not settled yet
    std::array<const void*, model::machine::most_threads> sleeps_on{};  // a futex
    std::array<unsigned, model::machine::most_threads> expiries_left{}; // of its sleeps
    std::array<bool, model::machine::most_threads> expired{};           // its last sleep
};
inline surroundings* around = nullptr;

} // namespace instrumented

namespace instrumented_std {

using namespace ::std; // NOLINT

template <class T>
class atomic {
public:
    atomic(T v = {}) noexcept : value_(v) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load() const noexcept {
        model::machine::step("load");
        return value_;
    }
    void store(T v) noexcept { exchange(v); }
    T exchange(T v) noexcept {
        model::machine::step("store");
        return std::exchange(value_, v);
    }
    T fetch_add(T n) noexcept {
        model::machine::step("add");
        return std::exchange(value_, static_cast<T>(value_ + n));
    }
    T fetch_sub(T n) noexcept {
        model::machine::step("subtract");
        return std::exchange(value_, static_cast<T>(value_ - n));
    }
    T peek() const noexcept { return value_; } // no step

private:
    T value_;
};

// `sleepers` has one of these: `waking_`.
template <>
class atomic<bool> {
public:
    atomic(bool v) noexcept : value_(v) {}

    bool load() const noexcept {
        model::machine::step("load waking");
        return value_;
    }
    void store(bool v) noexcept { exchange(v); }
    bool exchange(bool v) noexcept {
        model::machine::step("store waking");
        return std::exchange(value_, v && instrumented::around->waking_is_noted);
    }

private:
    bool value_;
};

// Each worker has one: its wake word, at the address of which it sleeps.
template <>
class atomic<std::uint32_t> {
public:
    atomic(std::uint32_t v) noexcept : value_(v) {}

    std::uint32_t load() const noexcept {
        model::machine::step("load wake word");
        return value_;
    }
    void store(std::uint32_t v) noexcept {
        if (v != 0) // else its worker is not listed yet, and nobody looks
            model::machine::step("store wake word");
        value_ = v;
        instrumented::around->on_their_way += v;
    }

private:
    std::uint32_t value_;
};

namespace chrono {

using namespace ::std::chrono; // NOLINT

struct steady_clock : ::std::chrono::steady_clock {
    static time_point now() noexcept {
        return instrumented::around->expired[model::machine::self()] ? time_point::max()
                                                                     : time_point::min();
    }
};

} // namespace chrono
} // namespace instrumented_std

namespace instrumented::detail {

class FERRY_ANNOTATION(capability("mutex")) adaptive_mutex {
public:
    void lock() noexcept FERRY_ANNOTATION(acquire_capability()) {
        static_cast<void>(model::machine::wait(
            "lock", [](unsigned) { return around->lock_held_by == nobody; }, false));
        around->lock_held_by = model::machine::self();
        model::machine::go_on();
    }
    void unlock() noexcept FERRY_ANNOTATION(release_capability()) { around->lock_held_by = nobody; }
    void assert_held() const noexcept FERRY_ANNOTATION(assert_capability(this)) {
        around->assertions_hold =
            around->assertions_hold && around->lock_held_by == model::machine::self();
    }
};

class FERRY_ANNOTATION(scoped_lockable) scoped_lock {
public:
    explicit scoped_lock(adaptive_mutex& m) FERRY_ANNOTATION(acquire_capability(m)) : mutex_(m) {
        mutex_.lock();
    }
    ~scoped_lock() FERRY_ANNOTATION(release_capability()) {
        if (held_)
            mutex_.unlock();
    }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

    void lock() FERRY_ANNOTATION(acquire_capability()) {
        mutex_.lock();
        held_ = true;
    }
    void unlock() FERRY_ANNOTATION(release_capability()) {
        held_ = false;
        mutex_.unlock();
    }

private:
    adaptive_mutex& mutex_;
    bool held_ = true;
};

struct wake_call { // when it was makes no difference
    static wake_call now() noexcept { return {}; }
    void answered() const noexcept {}
};

inline void futex_wait(std::uint32_t* word, std::uint32_t expected,
                       std::optional<instrumented_std::chrono::steady_clock::time_point> deadline) {
    model::machine::step("sleep");
    if (*word != expected)
        return;
    const unsigned me = model::machine::self();
    around->sleeps_on[me] = word;
    const bool may_expire = deadline && around->expiries_left[me] != 0;
    if (!model::machine::wait(
            "awake", [](unsigned t) { return around->sleeps_on[t] == nullptr; }, may_expire)) {
        around->sleeps_on[me] = nullptr;
        around->expired[me] = true;
        --around->expiries_left[me];
    }
}

inline void futex_wake(std::uint32_t* word, int) {
    model::machine::step("wake");
    for (const void*& w : around->sleeps_on)
        w = w == word ? nullptr : w;
}

} // namespace instrumented::detail

#define std instrumented_std
#define ferry instrumented
#undef FERRY_ASSERT
#define FERRY_ASSERT(expression)                                                                   \
    (model::machine::count_steps(false),                                                           \
     around->assertions_hold = around->assertions_hold && (expression),                            \
     model::machine::count_steps(true))
#include "pool/sleepers.cpp" // NOLINT
#undef FERRY_ASSERT
#undef ferry
#undef std
