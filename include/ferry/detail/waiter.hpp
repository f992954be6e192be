// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/timer_queue.hpp>
#include <ferry/future.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {
namespace detail {

template <class T>
struct future_value {};
template <class T>
struct future_value<future<T>> {
    using type = T;
};

} // namespace detail

/// The `T` of a range of `future<T>`.
template <class R>
using future_value_t =
    typename detail::future_value<std::remove_cvref_t<std::ranges::range_reference_t<R>>>::type;

/// A range of `future<T>`: a container, a view, or `std::views::keys` of a map whose keys are
/// futures.
template <class R>
concept range_of_futures = std::ranges::input_range<R> && requires { typename future_value_t<R>; };

namespace detail {

using state_ptr = boost::intrusive_ptr<shared_state_base>;

/// The states of a range of futures, each once, in their order.
/// Errors: no_state_error for an invalid handle.
template <class R>
std::vector<state_ptr> states_of(R&& futures);

/// Removes repetitions, keeping the order; throws no_state_error for a null pointer.
FERRY_DECL void remove_duplicates(std::vector<state_ptr>& states);

/// Watches many states at once: tells of each as it completes. Shared by its owner and by the
/// states that have not completed; one block of nodes for all.
///
/// Invariant: a node is in the list of at most one state; it fires once, or is removed.
class FERRY_DECL waiter {
public:
    explicit waiter(std::vector<state_ptr> states);
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    std::size_t size() const noexcept { return count_; }
    shared_state_base& state(std::size_t i) const noexcept { return *nodes_[i].state; }
    state_ptr hold(std::size_t i) const noexcept { return nodes_[i].state; }
    state_ptr take(std::size_t i) noexcept { return std::move(nodes_[i].state); }

    /// Begins; `on_done` may come during the call, and from other threads.
    void start() noexcept;
    /// Stops watching what has not completed. For the owner.
    void stop() noexcept;

    friend void intrusive_ptr_add_ref(waiter* w) noexcept {
        w->refs_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(waiter* w) noexcept {
        FERRY_ASSERT(w->refs_.load() != 0);
        if (w->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete w;
    }

protected:
    virtual ~waiter();

    struct FERRY_DECL node final : continuation {
        node() noexcept : continuation(false) {}
        void fire(shared_state_base*) override {
            waiter* const w = owner;
            w->on_done(*this);
            intrusive_ptr_release(w);
        }
        void destroy() noexcept override { intrusive_ptr_release(owner); }

        bool watched = false; // the owner's; first, since it fits behind the flag of the base
        waiter* owner = nullptr;
        state_ptr state;
        node* next = nullptr; // for the derived class
    };

    /// The node's state has completed; called once for each.
    virtual void on_done(node& n) noexcept = 0;

    std::size_t index_of(const node& n) const noexcept {
        FERRY_ASSERT(n.owner == this);
        return static_cast<std::size_t>(&n - nodes_.get());
    }

private:
    std::atomic<std::size_t> refs_{0};
    const std::size_t count_;
    const std::unique_ptr<node[]> nodes_;
};

/// Stops a waiter at the end of its life; movable.
template <class W>
class waiter_owner {
public:
    explicit waiter_owner(boost::intrusive_ptr<W> w) noexcept : waiter_(std::move(w)) {}
    waiter_owner(waiter_owner&&) noexcept = default;
    waiter_owner& operator=(waiter_owner&&) = delete;
    ~waiter_owner() {
        if (waiter_ != nullptr)
            waiter_->stop();
    }
    W* operator->() const noexcept { return waiter_.get(); }
    W& operator*() const noexcept { return *waiter_; }

private:
    boost::intrusive_ptr<W> waiter_;
};

/// Something to wait for: completed by whoever claims it, failed by its timer.
template <class T>
class timed_state final : public shared_state<T> {
public:
    /// At that time it fails with timeout_error. Before it is shared.
    void expire_at(timeout::clock::time_point at) {
        start_timers();
        this->extra = std::make_unique<task_extra>();
        arm_timer(*this, at, timer_purpose::start_by);
    }
    /// Completes it; for the claimant.
    template <class F>
    void complete(F&& make) {
        FERRY_ASSERT(this->is_claimed() && !this->done());
        if (this->extra != nullptr)
            static_cast<void>(disarm_timer(*this));
        this->store_result(std::forward<F>(make));
        this->publish(status::value);
    }

private:
    // What waits for it is no user code.
    bool on_timer(timer_purpose) noexcept override {
        if (this->claim_queued()) {
            this->error_ = error_or_shortage([] { return make_error<timeout_error>(); });
            this->publish(status::error);
        }
        return false;
    }
};

template <class R>
std::vector<state_ptr> states_of(R&& futures) {
    std::vector<state_ptr> states;
    if constexpr (std::ranges::sized_range<R>)
        states.reserve(static_cast<std::size_t>(std::ranges::size(futures)));
    for (auto&& f : futures)
        states.push_back(detail::access::state(f));
    remove_duplicates(states);
    return states;
}

} // namespace detail
} // namespace ferry
