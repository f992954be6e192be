// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "os_thread.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <climits>
#include <unistd.h>

namespace ferry::detail {
namespace {

void check(int error) {
    if (error != 0)
        throw std::system_error(error, std::generic_category());
}

} // namespace

void os_thread::start(std::size_t stack_size, void* (*function)(void*), void* argument) {
    if (stack_size == 0) {
        check(::pthread_create(&id_, nullptr, function, argument));
    } else {
        pthread_attr_t attributes;
        check(::pthread_attr_init(&attributes));
        const scope_exit at_end([&] { ::pthread_attr_destroy(&attributes); });
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        check(::pthread_attr_setstacksize(&attributes, (stack_size + page - 1) / page * page));
        check(::pthread_create(&id_, &attributes, function, argument));
    }
    joinable_ = true;
}

void os_thread::join() noexcept {
    if (std::exchange(joinable_, false))
        ::pthread_join(id_, nullptr);
}

void os_thread::detach() noexcept {
    if (std::exchange(joinable_, false))
        ::pthread_detach(id_);
}

std::size_t os_thread::smallest_stack() noexcept {
#if defined(_SC_THREAD_STACK_MIN)
    if (const long size = ::sysconf(_SC_THREAD_STACK_MIN); size > 0)
        return static_cast<std::size_t>(size);
#endif
    return 16384;
}

} // namespace ferry::detail
