// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/futex.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/promise.hpp>

#include <boost/core/demangle.hpp>

#include <cxxabi.h>

#include <climits>
#include <cstdio>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ferry {
namespace detail {

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::optional<std::chrono::steady_clock::time_point> deadline) noexcept {
    // Bitset waits take an absolute time of CLOCK_MONOTONIC, which is what steady_clock reads.
    timespec at{};
    if (deadline) {
        const auto ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>(deadline->time_since_epoch())
                .count();
        at.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word),
              FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, deadline ? &at : nullptr, nullptr,
              FUTEX_BITSET_MATCH_ANY);
}

void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept {
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
              INT_MAX, nullptr, nullptr, 0);
}

shared_state_base::~shared_state_base() {
    for (continuation* c = first_; c != nullptr;) {
        continuation* next = c->next_;
        c->destroy();
        c = next;
    }
}

bool shared_state_base::try_start() noexcept {
    std::uint32_t w = word_.load(std::memory_order_relaxed);
    while ((w & (status_mask | claimed)) == 0) {
        if (word_.compare_exchange_weak(w, w | static_cast<std::uint32_t>(status::running),
                                        std::memory_order_acq_rel))
            return true;
    }
    return false;
}

bool shared_state_base::claim(bool from_running) noexcept {
    std::uint32_t w = word_.load(std::memory_order_relaxed);
    for (;;) {
        const auto s = static_cast<status>(w & status_mask);
        if ((w & claimed) != 0 || !(s == status::pending || (from_running && s == status::running)))
            return false;
        if (word_.compare_exchange_weak(w, w | claimed, std::memory_order_acq_rel))
            return true;
    }
}

void shared_state_base::publish(status outcome) noexcept {
    const boost::intrusive_ptr<shared_state_base> keep(this);
    continuation* list = nullptr;
    std::uint32_t old = 0;
    {
        const std::lock_guard lock(mutex_);
        published_ = true;
        list = std::exchange(first_, nullptr);
        last_ = nullptr;
        old = word_.exchange(static_cast<std::uint32_t>(outcome), std::memory_order_acq_rel);
    }
    if ((old & sleepers) != 0)
        futex_wake_all(word_);
    while (list != nullptr) {
        continuation* next = list->next_;
        list->fire(*this);
        list = next;
    }
}

bool shared_state_base::cancel() noexcept {
    if (!claim(false))
        return false;
    drop_work();
    publish(status::cancelled);
    return true;
}

bool shared_state_base::fail(std::exception_ptr error, bool from_running) noexcept {
    if (!claim(from_running))
        return false;
    drop_work();
    fail_claimed(std::move(error));
    return true;
}

std::string shared_state_base::name() const {
    switch (current()) {
    case status::pending: return "pending";
    case status::running: return "running";
    case status::cancelled: return "cancelled";
    default: return "finished";
    }
}

bool shared_state_base::wait(timeout limit) {
    return wait(limit.deadline());
}

bool shared_state_base::wait(std::optional<timeout::clock::time_point> deadline) {
    if (done())
        return true;
    if (!deadline) {
        if (help())
            return true;
        check_wait();
    }
    for (;;) {
        std::uint32_t w = word_.load(std::memory_order_acquire);
        if (static_cast<status>(w & status_mask) >= status::cancelled)
            return true;
        if (deadline && timeout::clock::now() >= *deadline)
            return false;
        if ((w & sleepers) == 0 &&
            !word_.compare_exchange_weak(w, w | sleepers, std::memory_order_acq_rel))
            continue;
        futex_wait(word_, w | sleepers, deadline);
    }
}

bool shared_state_base::add(continuation& c) {
    const std::lock_guard lock(mutex_);
    if (published_)
        return false;
    c.prev_ = last_;
    c.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &c;
    last_ = &c;
    return true;
}

bool shared_state_base::remove(continuation& c) noexcept {
    const std::lock_guard lock(mutex_);
    if (published_)
        return false;
    (c.prev_ != nullptr ? c.prev_->next_ : first_) = c.next_;
    (c.next_ != nullptr ? c.next_->prev_ : last_) = c.prev_;
    return true;
}

namespace {

struct hook {
    std::mutex mutex;
    std::function<void(std::exception_ptr)> call; // empty: one line on stderr

    static hook& instance() {
        static auto* const h = new hook; // outlives every static pool
        return *h;
    }
};

} // namespace

std::string demangle(const char* name) {
    return boost::core::demangle(name);
}

std::string type_name_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return type != nullptr ? demangle(type->name()) : std::string("unknown");
    }
}

void report_unhandled(std::exception_ptr error) noexcept {
    try {
        std::function<void(std::exception_ptr)> call;
        {
            const std::lock_guard lock(hook::instance().mutex);
            call = hook::instance().call;
        }
        if (call) {
            call(error);
            return;
        }
        std::string what;
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            what = e.what();
        } catch (...) {
            what = "not a std::exception";
        }
        std::fprintf(stderr, "ferry: unhandled exception in a callback: %s: %s\n",
                     type_name_of(error).c_str(), what.c_str());
    } catch (...) {
        std::fputs("ferry: the hook for unhandled exceptions threw\n", stderr);
    }
}

} // namespace detail

std::function<void(std::exception_ptr)>
set_unhandled_callback(std::function<void(std::exception_ptr)> hook) {
    const std::lock_guard lock(detail::hook::instance().mutex);
    return std::exchange(detail::hook::instance().call, std::move(hook));
}

} // namespace ferry
