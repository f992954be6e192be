// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

#include <pthread.h>

namespace ferry::detail {

/// A thread whose stack has a size of one's choice, which std::thread does not offer. Joined or
/// detached before it is destroyed.
class os_thread {
public:
    os_thread() noexcept = default;
    /// Runs `f()` in a new thread. `stack_size` in bytes; 0: the system's default.
    /// Errors: `std::system_error`, `std::bad_alloc`.
    template <class F>
    os_thread(std::size_t stack_size, F f) {
        auto call = std::make_unique<F>(std::move(f));
        start(stack_size, &run<F>, call.get());
        static_cast<void>(call.release());
    }
    os_thread(os_thread&& o) noexcept : id_(o.id_), joinable_(std::exchange(o.joinable_, false)) {}
    os_thread& operator=(os_thread&& o) noexcept {
        id_ = o.id_;
        joinable_ = std::exchange(o.joinable_, false);
        return *this;
    }

    void join() noexcept;
    void detach() noexcept;

    /// The smallest stack that the system allows, in bytes.
    static std::size_t smallest_stack() noexcept;

private:
    template <class F>
    static void* run(void* p) {
        const std::unique_ptr<F> call(static_cast<F*>(p));
        (*call)();
        return nullptr;
    }
    void start(std::size_t stack_size, void* (*function)(void*), void* argument);

    pthread_t id_{};
    bool joinable_ = false;
};

} // namespace ferry::detail
