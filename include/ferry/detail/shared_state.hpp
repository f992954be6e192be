// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>
#include <ferry/timeout.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace ferry::detail {

class shared_state_base;

/// One piece of work to do when a state completes. Owned by the state once registered; `fire` is
/// called exactly once unless it is removed before, and destroys the object.
class continuation {
public:
    virtual void fire(shared_state_base& state) noexcept = 0;
    virtual void destroy() noexcept = 0;

protected:
    ~continuation() = default;

private:
    friend class shared_state_base;
    continuation* next_ = nullptr;
    continuation* prev_ = nullptr;
};

/// What the untyped part of a shared outcome can be seen as. `completing` is a claim: someone is
/// storing the outcome; to the outside it looks like what it was before.
enum class status : std::uint32_t { pending, running, cancelled, value, error };

/// The untyped part of a shared outcome.
///
/// Invariants: the status only moves forward. Whoever moves it out of pending or running with
/// `claim` is the only one that may store an outcome, and must call `publish`. Continuations are
/// registered under `mutex_` while not published; `publish` detaches them under it and fires them,
/// in the order of registration, without it. `word_`'s release store in `publish` pairs with the
/// acquire load in `current`.
class shared_state_base {
public:
    shared_state_base(const shared_state_base&) = delete;
    shared_state_base& operator=(const shared_state_base&) = delete;

    status current() const noexcept {
        return static_cast<status>(word_.load(std::memory_order_acquire) & status_mask);
    }
    bool done() const noexcept { return current() >= status::cancelled; }

    /// pending -> running. False when somebody else was first.
    bool try_start() noexcept;
    /// Takes the right to store the outcome, from pending only or from running too.
    bool claim(bool from_running) noexcept;
    /// Makes the claimed outcome visible, wakes the waiters and fires the continuations.
    void publish(status outcome) noexcept;
    /// Cancels if nothing has started: frees the callable, then publishes. True if cancelled now.
    bool cancel() noexcept;
    /// Stores an exception if nobody was first.
    bool fail(std::exception_ptr error, bool from_running = true) noexcept;

    /// The same for who has claimed already.
    void fail_claimed(std::exception_ptr error) noexcept {
        error_ = std::move(error);
        publish(status::error);
    }
    /// The state in a word: pending, running, cancelled, finished.
    std::string name() const;

    /// Waits until done; false when the deadline passes first. Throws would_deadlock where an
    /// unlimited wait could never end.
    bool wait(std::optional<timeout::clock::time_point> deadline);
    bool wait(timeout limit);

    /// Registers; false, without taking it, when the outcome is already there.
    bool add(continuation& c);
    /// Unregisters; false when it was fired or is about to be.
    bool remove(continuation& c) noexcept;

    const std::exception_ptr& error() const noexcept { return error_; }
    bool taken() const noexcept { return taken_.load(std::memory_order_acquire); }
    /// The right to move the value out: one caller gets true.
    bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

    virtual bool request_stop() noexcept { return false; }

    friend void intrusive_ptr_add_ref(shared_state_base* p) noexcept {
        p->refs_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(shared_state_base* p) noexcept {
        if (p->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete p;
    }

protected:
    shared_state_base() = default;
    virtual ~shared_state_base();

    /// Destroys callable and arguments; called once, by whoever claimed the outcome.
    virtual void drop_work() noexcept {}
    /// Runs the work here if it has not started and this thread may; true if it did.
    virtual bool help() { return false; }
    /// Throws would_deadlock if the calling thread waits for itself.
    virtual void check_wait() const {}

    std::exception_ptr error_;

private:
    static constexpr std::uint32_t status_mask = 7, claimed = 8, sleepers = 16;

    std::atomic<std::uint32_t> refs_{0};
    std::atomic<std::uint32_t> word_{0};
    std::atomic<bool> taken_{false};
    bool published_ = false;         // guarded by mutex_
    continuation* first_ = nullptr;  // guarded by mutex_
    continuation* last_ = nullptr;   // guarded by mutex_
    std::mutex mutex_;
};

template <class T>
using stored_t = std::conditional_t<
    std::is_void_v<T>, std::byte,
    std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

/// The typed part: room for the value.
template <class T>
class shared_state : public shared_state_base {
public:
    ~shared_state() override {
        if (has_value_)
            std::destroy_at(&value());
    }

    stored_t<T>& value() noexcept { return *std::launder(reinterpret_cast<stored_t<T>*>(room_)); }

    /// Constructs the value in place; only for the claimant, before `publish`. Gives the function's
    /// result without a move.
    template <class F>
    void store_result(F&& make) {
        if constexpr (std::is_void_v<T>) {
            std::forward<F>(make)();
            ::new (static_cast<void*>(room_)) std::byte{};
        } else if constexpr (std::is_reference_v<T>) {
            T ref = std::forward<F>(make)();
            ::new (static_cast<void*>(room_)) stored_t<T>(std::addressof(ref));
        } else {
            ::new (static_cast<void*>(room_)) stored_t<T>(std::forward<F>(make)());
        }
        has_value_ = true;
    }

private:
    alignas(stored_t<T>) std::byte room_[sizeof(stored_t<T>)];
    bool has_value_ = false;
};

/// Reports what a callback threw to the hook, or to stderr.
void report_unhandled(std::exception_ptr error) noexcept;

/// The name of the exception's type, for printing.
std::string type_name_of(const std::exception_ptr& error);
std::string demangle(const char* name);

} // namespace ferry::detail
