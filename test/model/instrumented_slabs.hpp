// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "fibers.hpp"

#include "support/slab_memory.hpp"

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/thread_annotations.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <pthread.h>

// The real source of the memory for blocks, read a second time as instrumented::detail: its atomics
// and its lock are those below, whose operations are the steps of `model::machine`; its pieces of
// memory are small. Everything that it includes has been included before, but `slab.hpp` and
// `slab_store.hpp`, which must not have been. All threads being fibers of one, their `thread_local`
// variables are exchanged when they stop.

namespace instrumented::detail {
class slab;
} // namespace instrumented::detail

namespace instrumented {

constexpr std::size_t piece_size = 128, room_of_piece = 64; // for blocks
constexpr std::size_t size_classes = 2;
constexpr unsigned pieces = 5;

struct piece {
    alignas(piece_size) std::array<std::byte, piece_size> bytes;
};
enum class fate : unsigned char { never_used, used, gone };

/// What the threads have beside the code under test.
struct surroundings {
    std::array<piece, pieces> memory{};
    std::array<fate, pieces> fates{};
    std::array<const std::uint64_t*, pieces> words{}; // of the slabs in them
    piece trap{};
    bool pieces_go_round = false;        // one that is given back is used again
    bool pauses_after_each_push = false; // so that what comes after it is seen
    const char* fault = nullptr;

    std::array<bool, model::machine::most_threads> holds{}; // the lock; one at most
    bool has_just_locked = false; // the thread that runs: nothing else came after it
    std::array<detail::slab*, size_classes> lists{};
    std::size_t size_class = 0; // of all blocks
    // What stands in `thread_local` variables while the thread does not run.
    std::array<std::array<std::byte, 64>, model::machine::most_threads> parts{};

    // False in mutants.
    bool lock_excludes = true, exchanges_are_atomic = true, compares = true;
    bool decides_before_the_push = true;
};
inline surroundings* around = nullptr;

inline bool is_locked() noexcept { return std::ranges::count(around->holds, true) != 0; }

inline void save_part() noexcept;
inline void restore_part() noexcept;

/// The thread stops before what it does next, and other threads run.
inline void stop(const char* name, bool (*ready)(unsigned) = nullptr) noexcept {
    save_part();
    if (ready == nullptr)
        model::machine::step(name);
    else
        static_cast<void>(model::machine::wait(name, ready, false));
    restore_part();
}
/// For good: what it would do now is undefined.
[[noreturn]] inline void fail(const char* fault) noexcept {
    around->fault = fault;
    for (;;)
        stop("failed", [](unsigned) { return false; });
}
/// `pieces` if it lies in none.
inline unsigned piece_with(const volatile void* p) noexcept {
    const auto offset = reinterpret_cast<std::uintptr_t>(p) -
                        reinterpret_cast<std::uintptr_t>(around->memory.data());
    return offset < sizeof around->memory ? static_cast<unsigned>(offset / piece_size) : pieces;
}
inline void expect_used(const volatile void* p) noexcept {
    const unsigned n = piece_with(p);
    if (n == pieces || around->fates[n] != fate::used)
        fail("a slab is touched that is gone");
}
/// Nothing but pointers to the trap, where what follows them leaves traces.
inline void lead_into_trap(piece& p) noexcept {
    const auto trap = reinterpret_cast<std::uintptr_t>(&around->trap);
    for (std::size_t at = 0; at < piece_size; at += sizeof trap)
        std::memcpy(p.bytes.data() + at, &trap, sizeof trap);
}

} // namespace instrumented

namespace instrumented_std {

using namespace ::std; // NOLINT

// Each slab has one: its word.
template <class T>
class atomic {
public:
    atomic(T v) noexcept : value_(v) {
        instrumented::around->words[instrumented::piece_with(this)] = &value_;
    }
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(memory_order = memory_order_seq_cst) const noexcept {
        observe("load");
        return value_;
    }
    T exchange(T v, memory_order = memory_order_seq_cst) noexcept {
        observe("exchange");
        const T before = value_;
        if (!instrumented::around->exchanges_are_atomic)
            observe("exchange, second half");
        value_ = v;
        return before;
    }
    bool compare_exchange_weak(T& expected, T v, memory_order, memory_order) noexcept {
        observe("compare and exchange");
        if (instrumented::around->compares && value_ != expected) {
            expected = value_;
            return false;
        }
        value_ = v;
        if (!instrumented::around->decides_before_the_push)
            observe("look");
        else if (instrumented::around->pauses_after_each_push &&
                 !instrumented::around->holds[model::machine::self()])
            instrumented::stop("pushed");
        return true;
    }

private:
    void observe(const char* name) const noexcept {
        instrumented::stop(name);
        instrumented::around->has_just_locked = false;
        instrumented::expect_used(this);
    }

    T value_;
};

// The store has one: its lists, which are kept where all that is shared is.
template <class T, std::size_t n>
class array {
public:
    T& operator[](std::size_t i) const noexcept {
        auto& around = *instrumented::around;
        if (!around.lock_excludes)
            instrumented::stop("look at the list");
        if (!around.holds[model::machine::self()] || i >= around.lists.size())
            instrumented::fail("a wrong list is touched");
        return around.lists[i];
    }
};

} // namespace instrumented_std

namespace instrumented::detail {

class FERRY_ANNOTATION(capability("mutex")) adaptive_mutex {
public:
    void lock() noexcept FERRY_ANNOTATION(acquire_capability()) {
        stop("lock", [](unsigned) { return !is_locked() || !around->lock_excludes; });
        around->holds[model::machine::self()] = true;
        around->has_just_locked = true;
        model::machine::go_on();
    }
    void unlock() noexcept FERRY_ANNOTATION(release_capability()) {
        if (around->has_just_locked)
            stop("unlock"); // goes on now, instead of at what comes after the lock
        around->holds[model::machine::self()] = false;
    }
};

class FERRY_ANNOTATION(scoped_lockable) scoped_lock {
public:
    explicit scoped_lock(adaptive_mutex& m) FERRY_ANNOTATION(acquire_capability(m)) : mutex_(m) {
        mutex_.lock();
    }
    ~scoped_lock() FERRY_ANNOTATION(release_capability()) { mutex_.unlock(); }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

private:
    adaptive_mutex& mutex_;
};

class slab_memory {
public:
    static constexpr std::size_t piece = piece_size;

    static slab_memory& instance() noexcept {
        static constinit slab_memory nothing;
        return nothing;
    }
    static void* piece_of(void* object) noexcept {
        return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(object) & ~(piece - 1));
    }
    void* take_spare() noexcept {
        stop("take a spare piece");
        return around->pieces_go_round ? take(fate::gone) : nullptr;
    }
    void* take(bool) {
        void* p = take_spare();
        if (p == nullptr)
            p = take(fate::never_used);
        if (p == nullptr)
            fail("the model has too few pieces");
        return p;
    }
    void give_back(void* p) noexcept {
        stop("give back the piece");
        const unsigned n = piece_with(p);
        if (n == pieces || p != &around->memory[n] || around->fates[n] != fate::used)
            fail("a piece is given back twice");
        around->fates[n] = fate::gone;
        around->words[n] = nullptr;
        lead_into_trap(around->memory[n]);
    }

private:
    static void* take(fate before) noexcept {
        for (unsigned n = 0; n < pieces; ++n) {
            if (around->fates[n] == before) {
                around->fates[n] = fate::used;
                return &around->memory[n];
            }
        }
        return nullptr;
    }
};

} // namespace instrumented::detail

constexpr int no_fork_comes(void (*)(), void (*)(), void (*)()) { return 0; }

#define std instrumented_std
#define ferry instrumented
#define pthread_atfork no_fork_comes
#undef FERRY_ASSERT
#define FERRY_ASSERT(expression)                                                                   \
    do {                                                                                           \
        model::machine::count_steps(false);                                                        \
        const bool holds = (expression);                                                           \
        model::machine::count_steps(true);                                                         \
        if (!holds)                                                                                \
            ::instrumented::fail("an assertion fails");                                            \
    } while (false)
#include "support/slab_store.cpp" // NOLINT

// There is a test of the same name.
#include "../../src/support/block_memory.cpp" // NOLINT
#undef FERRY_ASSERT
#undef pthread_atfork
#undef ferry
#undef std

namespace instrumented {

inline void save_part() noexcept {
    auto& part = around->parts[model::machine::self()];
    static_assert(sizeof(detail::cutting) + sizeof(detail::stage) <= sizeof part);
    std::memcpy(part.data(), &detail::of_thread.of_size[around->size_class],
                sizeof(detail::cutting));
    std::memcpy(part.data() + sizeof(detail::cutting), &detail::of_thread.now,
                sizeof(detail::stage));
}
inline void restore_part() noexcept {
    const auto& part = around->parts[model::machine::self()];
    std::memcpy(&detail::of_thread.of_size[around->size_class], part.data(),
                sizeof(detail::cutting));
    std::memcpy(&detail::of_thread.now, part.data() + sizeof(detail::cutting),
                sizeof(detail::stage));
}

} // namespace instrumented
