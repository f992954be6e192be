// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "futex.hpp"

#if defined(__linux__)

#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

int operation(int op, futex_scope scope) noexcept {
    return scope == futex_scope::process ? op | FUTEX_PRIVATE_FLAG : op;
}

} // namespace

void futex_wait(std::uint32_t* word, std::uint32_t expected,
                std::optional<std::chrono::steady_clock::time_point> deadline,
                futex_scope scope) noexcept {
    // Bitset waits take an absolute time of CLOCK_MONOTONIC, which is what steady_clock reads.
    timespec at{};
    if (deadline) {
        const auto ns = std::chrono::nanoseconds(deadline->time_since_epoch()).count();
        at.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    ::syscall(SYS_futex, word, operation(FUTEX_WAIT_BITSET, scope), expected,
              deadline ? &at : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(std::uint32_t* word, int count, futex_scope scope) noexcept {
    ::syscall(SYS_futex, word, operation(FUTEX_WAKE, scope), count, nullptr, nullptr, 0);
}

} // namespace ferry::detail

#else

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace ferry::detail {
namespace {

// Sleepers are kept by address; different words may share a place, which only wakes too many.
struct place {
    std::mutex mutex;
    std::condition_variable wake;
};

place& place_of(const std::uint32_t* word) {
    static auto* const places = new std::array<place, 64>; // outlives every static pool
    return (*places)[std::hash<const void*>()(word) / alignof(std::uint64_t) % places->size()];
}

} // namespace

void futex_wait(std::uint32_t* word, std::uint32_t expected,
                std::optional<std::chrono::steady_clock::time_point> deadline,
                futex_scope) noexcept {
    place& p = place_of(word);
    std::unique_lock lock(p.mutex);
    if (std::atomic_ref(*word).load() != expected)
        return;
    if (deadline)
        p.wake.wait_until(lock, *deadline);
    else
        p.wake.wait(lock);
}

void futex_wake(std::uint32_t* word, int, futex_scope) noexcept {
    place& p = place_of(word);
    const std::lock_guard lock(p.mutex);
    p.wake.notify_all();
}

} // namespace ferry::detail

#endif
