// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "future/expiry_threads.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/spin.hpp>

#include <algorithm>

#include <pthread.h>

namespace ferry::detail {

constinit thread_local worker* current_worker = nullptr;

bool is_own_thread_of(const pool_core& core) noexcept {
    return on_worker_of(&core) || expiring_owner() == &core;
}
void set_this_worker(worker* w) noexcept { current_worker = w; }

// ---- Its stack ----------------------------------------------------------------------------------

namespace {

thread_local const char* middle_of_stack = nullptr; // null where that is not known
thread_local std::size_t a_few_frames = 0;          // of that stack

} // namespace

void note_stack() noexcept {
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0)
        return;
    void* lowest = nullptr;
    std::size_t size = 0;
    if (::pthread_attr_getstack(&attributes, &lowest, &size) == 0)
        middle_of_stack = static_cast<const char*>(lowest) + size / 2;
    a_few_frames = std::min<std::size_t>(size / 16, 16384);
    ::pthread_attr_destroy(&attributes);
#endif
}

bool is_short_of_stack() noexcept {
    return middle_of_stack != nullptr &&
           static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack;
}

// Whoever refused to help was some frames deeper: where it was short of stack, this is, too. Else
// nobody would run what is waited for.
spare_worker::spare_worker() {
    worker* const w = current_worker;
    if (w != nullptr && middle_of_stack != nullptr &&
        static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack + a_few_frames) {
        w->core.staff().add_spare();
        owner_ = &w->core;
    }
}
spare_worker::~spare_worker() {
    if (owner_ != nullptr)
        static_cast<pool_core*>(owner_)->staff().remove_spare();
}

} // namespace ferry::detail
