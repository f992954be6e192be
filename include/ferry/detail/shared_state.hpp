// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/continuation.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/task_extra.hpp>
#include <ferry/detail/task_label.hpp>
#include <ferry/detail/waiting_thread.hpp>
#include <ferry/detail/work_item.hpp>
#include <ferry/error.hpp>
#include <ferry/timeout.hpp>
#include <ferry/unhandled.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iosfwd>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ferry::detail {

struct note_text;

/// The error that `make` gives, or, where there is no memory for it, what making it threw.
template <class F>
std::exception_ptr error_or_shortage(F make) noexcept {
    try {
        return make();
    } catch (...) {
        return std::current_exception();
    }
}

enum class status : std::uint32_t { pending, running, cancelled, value, error };

/// The untyped part of a shared outcome.
///
/// `word_` holds the status and its flags in the lower half, where waiters sleep (futex), and the
/// number of references in the upper half, so that completing and letting go is one operation. Once
/// it has completed, the lower half also tells on which processor, as a hint.
/// `waiters_` holds the ring of continuations with a lock bit, or says that it is closed.
///
/// Invariants: the status only moves forward. Whoever moves it out of pending, or sets `claimed`,
/// is the only one that may store an outcome, and must complete it. The ring is closed before the
/// outcome is visible, so a continuation that finds it closed only waits for two instructions.
/// The release in `announce` pairs with the acquire in `current`; closing the ring (acquire) pairs
/// with `add` (release).
class FERRY_DECL shared_state_base : public work_item {
public:
    status current() const noexcept {
        std::uint64_t w = word_.load(std::memory_order_acquire);
        if ((w & (status_mask | offered)) == offered && started_remotely())
            w |= static_cast<std::uint64_t>(status::running);
        return static_cast<status>(w & status_mask);
    }
    bool done() const noexcept {
        return static_cast<status>(word_.load(std::memory_order_acquire) & status_mask) >=
               status::cancelled;
    }

    /// Marks a pending state as one that waits for a place in the queue; false when it was claimed.
    bool stand_in_line() noexcept {
        std::uint64_t w = word_.load(std::memory_order_relaxed);
        while ((w & (status_mask | claimed)) == 0) {
            if (word_.compare_exchange_weak(w, w | in_line, std::memory_order_acq_rel))
                return true;
        }
        return false;
    }
    /// It has got the place; false, and it stays marked, when it was claimed in the line.
    bool leave_line() noexcept {
        std::uint64_t w = word_.load(std::memory_order_relaxed);
        while ((w & (status_mask | claimed)) == 0) {
            if (word_.compare_exchange_weak(w, w & ~in_line, std::memory_order_acq_rel))
                return true;
        }
        return false;
    }
    /// Whether it stands in the line, or was claimed there.
    bool is_in_line() const noexcept {
        return (word_.load(std::memory_order_acquire) & in_line) != 0;
    }

    /// True once somebody has the right to store the outcome.
    bool is_claimed() const noexcept {
        return (word_.load(std::memory_order_acquire) & (status_mask | claimed)) != 0;
    }

    /// Whether it was cancelled before it started.
    bool is_cancelled() const noexcept {
        return (word_.load(std::memory_order_acquire) & cancelling) != 0;
    }

    /// Marks a pending state as handed out to somebody who may start it at any time; false when it
    /// was claimed. From then on it is claimed only after `revoke`.
    bool offer() noexcept;
    /// Ends that.
    void unoffer() noexcept { word_.fetch_and(~offered, std::memory_order_acq_rel); }

    /// pending -> running. False when somebody else was first.
    bool try_start() noexcept {
        std::uint64_t w = word_.load(std::memory_order_relaxed);
        while ((w & (status_mask | claimed)) == 0) {
            if (word_.compare_exchange_weak(w, w | static_cast<std::uint64_t>(status::running),
                                            std::memory_order_acq_rel))
                return true;
        }
        return false;
    }
    /// The same for a task that its queue still holds.
    bool start_in_queue() noexcept;
    /// Takes the right to store the outcome, from pending only or from running too.
    bool claim(bool from_running) noexcept;
    /// Before the calling thread sleeps: fires what it has postponed, which may be what it is going
    /// to wait for, and destroys likewise. False if there was nothing.
    static bool catch_up();
    /// Makes the claimed outcome visible, wakes the waiters and fires the continuations.
    void publish(status outcome) { static_cast<void>(announce(outcome, close(), false)); }
    /// Cancels if nothing has started: frees the callable, then publishes. True if cancelled now.
    bool cancel();
    /// True if it is cancelled, or somebody is just doing that: then it waits for them, but not for
    /// long, since they may be destroying a callable that waits for this thread.
    bool was_cancelled() const noexcept;
    /// Stores an exception if nobody was first.
    bool fail(std::exception_ptr error, bool from_running = true);
    /// Stores an exception; for the claimant.
    void fail_claimed(std::exception_ptr error) {
        FERRY_ASSERT(is_claimed() && !done());
        error_ = std::move(error);
        publish(status::error);
    }

    /// What the task is called, as far as that needs no memory; for signal handlers.
    void describe(note_text& out) const noexcept;
    /// What statistics call the task, while it is queued or runs.
    virtual task_label statistics_label() const noexcept { return {}; }

    /// The state in a word: pending, running, cancelled, finished.
    std::string name() const;
    /// The error that a waiter gets for a cancelled outcome; names the task.
    cancelled_error cancellation() const;
    timeout_error expiry() const;

    /// Waits until done; false when the deadline passes first. Throws would_deadlock where an
    /// unlimited wait could never end.
    bool wait(std::optional<timeout::clock::time_point> deadline);
    bool wait(timeout limit) { return done() || wait(limit.deadline()); }
    /// What an unlimited wait does before it sleeps: runs the work here where that is allowed
    /// (true: done), throws would_deadlock where it could never end.
    bool prepare_unlimited_wait();

    /// Registers; false, without taking it, when the outcome is already there.
    bool add(continuation& c) noexcept;
    /// Unregisters; false when it was fired or is about to be.
    bool remove(continuation& c) noexcept;

    const std::exception_ptr& error() const noexcept { return error_; }
    bool taken() const noexcept {
        return (word_.load(std::memory_order_acquire) & taken_flag) != 0;
    }
    /// The right to move the value out: one caller gets true.
    bool take() noexcept {
        FERRY_ASSERT(done());
        const std::uint64_t w = word_.load(std::memory_order_acquire);
        if (w >> 32 == 1) { // nobody else could
            word_.store(w | taken_flag, std::memory_order_relaxed);
            return (w & taken_flag) == 0;
        }
        return (word_.fetch_or(taken_flag, std::memory_order_acq_rel) & taken_flag) == 0;
    }

    virtual bool request_stop() noexcept { return false; }
    /// What the cancellation of a wait does to a task that runs: true if the task will end for it.
    virtual bool cancel_running() noexcept { return request_stop(); }
    /// The timer that was armed for this state has fired. In the timer thread, which others depend
    /// on: runs no user code and does not block. True if `expired` has to do the rest.
    virtual bool on_timer(timer_purpose) noexcept { return false; }
    /// The rest, in a thread that may run user code.
    virtual void expired() {}

    bool stale() const noexcept override;
    bool is_task() const noexcept override { return true; }
    /// Not null for one that stands in another executor's queue.
    virtual external_entry* external() noexcept { return nullptr; }
    void run() override;
    void drop(std::exception_ptr why) noexcept override;

    friend void intrusive_ptr_add_ref(shared_state_base* p) noexcept {
        p->word_.fetch_add(one_reference, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(shared_state_base* p) noexcept {
        // The last one needs no atomic operation: nobody else can take a reference.
        if (p->drop_reference())
            destroy(p);
    }
    /// Ends a reference; true if it was the last one, and the caller must `destroy` the state.
    [[nodiscard]] bool drop_reference() noexcept {
        FERRY_ASSERT(references() != 0);
        return word_.load(std::memory_order_acquire) >> 32 == 1 ||
               word_.fetch_sub(one_reference, std::memory_order_acq_rel) >> 32 == 1;
    }
    /// Ends a reference unless it is the last one: false, and it is still the caller's.
    [[nodiscard]] bool drop_reference_unless_last() noexcept;
    /// Deletes a state without references. Where states hold each other, deletes one after the
    /// other instead of recursing without end.
    static void destroy(shared_state_base* p) noexcept;
    std::size_t references() const noexcept {
        return static_cast<std::size_t>(word_.load(std::memory_order_acquire) >> 32);
    }
    /// Takes a reference before anybody else knows the state.
    void refer_unshared() noexcept {
        FERRY_ASSERT(references() <= 1); // the queue's, or none
        word_.store(word_.load(std::memory_order_relaxed) + one_reference,
                    std::memory_order_relaxed);
    }

    static void* operator new(std::size_t size) { return block_allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept { block_deallocate(p, size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* p, std::align_val_t alignment) noexcept {
        ::operator delete(p, alignment);
    }

    std::unique_ptr<task_extra> extra; // constant once queued
    task_owner* owner = nullptr;       // that of a task; constant once queued
    std::uint32_t pool_record = 0;     // of the owner, for readers outside; constant once queued

protected:
    shared_state_base() noexcept = default;
    virtual ~shared_state_base() {
        FERRY_ASSERT(references() <= 1); // whoever ended the last one need not have counted it
        if ((waiters_.load(std::memory_order_acquire) & ~ring_flags) != 0)
            destroy_ring();
    }

    /// Destroys callable and arguments; called once, by whoever claimed the outcome.
    virtual void destroy_callable() noexcept {}
    /// Runs the work here if it has not started and this thread may; true if it did.
    virtual bool help() { return false; }
    /// Throws would_deadlock if the calling thread waits for itself.
    virtual void check_wait() const {}

    /// Takes a state that was handed out back; false when it was started there.
    virtual bool revoke() noexcept { return true; }
    /// Whether a state that was handed out was started there.
    virtual bool started_remotely() const noexcept { return false; }

    /// Takes the right to store the outcome of what still stands in its queue, if it does.
    bool claim_queued() noexcept { return leave_queue(claimed, false); }

    /// What ended with the closing of the ring.
    struct closed_ring {
        continuation* first = nullptr;
        bool user_code = false;
    };
    closed_ring close() noexcept {
        std::uintptr_t h = waiters_.load(std::memory_order_relaxed);
        if ((h & ring_locked) != 0 ||
            !waiters_.compare_exchange_strong(h, ring_closed, std::memory_order_acq_rel))
            h = close_slowly();
        FERRY_ASSERT((h & ring_closed) == 0); // an outcome is published once
        return {reinterpret_cast<continuation*>(h & ~ring_flags), (h & ring_user_code) != 0};
    }
    /// The second half of `publish`; with `release` it also ends one reference: true if that was
    /// the last one, and the caller must `destroy` the state.
    bool announce(status outcome, closed_ring ring, bool release);
    /// `publish` in two halves, for a thread that must run no user code: the continuations that do
    /// are given back, to be passed to `fire`. The caller has a reference.
    [[nodiscard]] closed_ring announce_apart(status outcome);
    /// Fires a ring whose outcome is visible already.
    void fire(continuation* first);

    std::exception_ptr error_;

private:
    static constexpr std::uint64_t status_mask = 7, claimed = 8, sleepers = 16, taken_flag = 32,
                                   leaving = 64, offered = 128, cancelling = 256, in_line = 512,
                                   processor_unit = 1024, processor_mask = 0xfffffc00,
                                   one_reference = std::uint64_t(1) << 32;
    static constexpr std::uintptr_t ring_locked = 1, ring_user_code = 2, ring_closed = 4,
                                    ring_flags = 7;

    bool leave_queue(std::uint64_t to, bool cancelled) noexcept;
    bool finish(std::uint64_t change) noexcept;
    bool look(std::optional<timeout::clock::time_point> deadline) noexcept;
    void note_where_finished() const noexcept;
    std::uintptr_t lock_ring() noexcept;
    std::uintptr_t close_slowly() noexcept;
    void destroy_ring() noexcept;
    std::uint32_t* futex_word() noexcept {
        auto* const half = reinterpret_cast<std::uint32_t*>(&word_);
        return std::endian::native == std::endian::little ? half : half + 1;
    }

    std::atomic<std::uint64_t> word_{0};
    std::atomic<std::uintptr_t> waiters_{0};
};

/// Prints a future of that type; null is an invalid one.
FERRY_DECL std::ostream& print_future(std::ostream& out, const shared_state_base* state,
                                      const std::type_info& type);

/// Lets the call see what its caller sees. Before the state is shared.
inline void keep_context(shared_state_base& s) {
    context_ptr context = capture_context();
    if (context == nullptr)
        return;
    if (s.extra == nullptr)
        s.extra = std::make_unique<task_extra>();
    s.extra->context = std::move(context);
}

/// A state that nobody else knows yet.
template <class S, class... A>
boost::intrusive_ptr<S> make_state(A&&... a) {
    auto* const s = new S(std::forward<A>(a)...);
    s->refer_unshared();
    return boost::intrusive_ptr<S>(s, false);
}

template <class T>
using stored_t =
    std::conditional_t<std::is_void_v<T>, std::byte,
                       std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

/// The typed part: room for the value, which is there exactly when the status says so.
template <class T>
class shared_state : public shared_state_base {
public:
    ~shared_state() override {
        if (this->current() == status::value)
            std::destroy_at(&value());
    }

    stored_t<T>& value() noexcept { return *std::launder(reinterpret_cast<stored_t<T>*>(room_)); }

    /// Constructs the value in place; only for the claimant, before `publish`. Gives the function's
    /// result without a move.
    template <class F>
    void store_result(F&& make) {
        FERRY_ASSERT(this->is_claimed()); // by the caller, or a timeout has been first
        if constexpr (std::is_void_v<T>) {
            std::forward<F>(make)();
            ::new (static_cast<void*>(room_)) std::byte{};
        } else if constexpr (std::is_reference_v<T>) {
            T ref = std::forward<F>(make)();
            ::new (static_cast<void*>(room_)) stored_t<T>(std::addressof(ref));
        } else {
            ::new (static_cast<void*>(room_)) stored_t<T>(std::forward<F>(make)());
        }
    }

private:
    alignas(stored_t<T>) std::byte room_[sizeof(stored_t<T>)];
};

} // namespace ferry::detail
