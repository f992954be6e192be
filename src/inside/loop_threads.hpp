// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

namespace ferry::detail {

/// Looks from outside at a thread that has run a loop.
///
/// Asio keeps, for each thread, a list of the contexts that the thread is inside of; its head is in
/// memory of the thread, and its elements are on the stacks of `run`. Another thread may read them
/// while the mutex keeps the thread from ending: what it reads may be out of date, but is there.
class loop_thread {
public:
    /// That of the calling thread.
    static const std::shared_ptr<loop_thread>& current();

    loop_thread();

    /// Whether the thread is inside `run` of the context whose implementation is `key`.
    bool is_inside(const void* key) const;
    /// The implementation of the context that the calling thread is just running.
    static const void* running_key() noexcept;

    std::thread::id id() const noexcept { return id_; }
    /// Sends the signal; false if the thread has ended.
    bool send(int signal, void* value) const;
    /// Whether the thread waits in the kernel, as opposed to being ready to run.
    bool sleeps() const;
    void end() noexcept;
    bool ended() const {
        const std::lock_guard lock(mutex_);
        return ended_;
    }

private:
    bool holds(const void* p, std::size_t size) const noexcept;

    const std::thread::id id_ = std::this_thread::get_id();
    const pthread_t thread_ = ::pthread_self();
    const int number_;
    void* const* const top_; // of Asio's list; the thread's own
    void* const fake_stack_; // AddressSanitizer's, or null
    const char* stack_ = nullptr;
    std::size_t stack_size_ = 0;
    mutable std::mutex mutex_;
    bool ended_ = false; // guarded by the mutex
};

/// What was found in a thread that was asked for its stack.
struct thread_picture {
    std::vector<void*> stack; // the innermost first
    std::string label;        // of the task that it waits for, or that it runs
    bool waits = false;       // for a task
};

/// Interrupts the thread for a moment. Empty where it does not answer within a second.
thread_picture picture_of(const loop_thread& thread);

/// Chooses the signal, and loads what the handler needs. May be called again.
void prepare_pictures();

} // namespace ferry::detail
