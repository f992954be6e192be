// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/as_completed.hpp>

#include <ferry/detail/assert.hpp>
#include <ferry/detail/spin.hpp>

#include "support/prefetch.hpp"
#include "wait_ring.hpp"

namespace ferry::detail {
namespace {

// Tells a completing thread that a consumer wants to be told.
template <class Node>
Node* asleep() noexcept {
    return reinterpret_cast<Node*>(1);
}

} // namespace

void as_completed_waiter::on_done(node& n) noexcept {
    node* head = arrived_.load(std::memory_order_relaxed);
    do {
        n.next = head == asleep<node>() ? nullptr : head;
    } while (!arrived_.compare_exchange_weak(head, &n, std::memory_order_acq_rel));
    if (head == asleep<node>())
        serve();
}

bool as_completed_waiter::collect() {
    mutex_.assert_held();
    FERRY_ASSERT(first_ == nullptr);
    node* list = arrived_.load(std::memory_order_acquire);
    if (list == asleep<node>())
        return false;
    if (list == nullptr &&
        arrived_.compare_exchange_strong(list, asleep<node>(), std::memory_order_acq_rel))
        return false;
    list = arrived_.exchange(nullptr, std::memory_order_acq_rel);
    node* in_order = nullptr;
    node* const newest = list;
    while (list != nullptr)
        in_order = std::exchange(list, std::exchange(list->next, in_order));
    (last_ != nullptr ? last_->next : first_) = in_order;
    last_ = newest;
    return true;
}

state_ptr as_completed_waiter::pop() {
    mutex_.assert_held();
    FERRY_ASSERT(first_ != nullptr && left() != 0);
    node* const n = first_;
    first_ = n->next;
    if (first_ == nullptr)
        last_ = nullptr;
    else if (first_->next != nullptr) // while this one and the next are consumed
        fetch_object_for_writing(first_->next->state.get());
    left_.store(left() - 1, std::memory_order_relaxed);
    return take(index_of(*n));
}

// Gives what has arrived to the requests that wait; called after either was added.
void as_completed_waiter::serve() {
    for (;;) {
        boost::intrusive_ptr<next_waiter> r;
        state_ptr s;
        {
            const scoped_lock lock(mutex_);
            while (!requests_.empty() && requests_.front()->done())
                requests_.pop_front(); // cancelled or expired
            const bool end = left() == 0;
            if (requests_.empty() || (!end && first_ == nullptr && !collect()))
                return;
            r = std::move(requests_.front());
            requests_.pop_front();
            if (!r->claim(false))
                continue; // cancelled or expired meanwhile: the next request gets it
            if (!end)
                s = pop();
        }
        r->complete([&] { return std::move(s); });
    }
}

boost::intrusive_ptr<next_waiter> as_completed_waiter::request() {
    boost::intrusive_ptr<next_waiter> r(new next_waiter);
    if (deadline_)
        r->expire_at(*deadline_);
    {
        const scoped_lock lock(mutex_);
        requests_.push_back(r);
    }
    serve();
    return r;
}

std::exception_ptr as_completed_waiter::failure(const next_waiter& r) {
    // If its cancellation came too late, the thread that serves it is about to complete it.
    for (spin_wait pause; !r.done();)
        pause();
    switch (r.current()) {
    case status::value: return nullptr;
    case status::error: return make_error<timeout_error>(give_up());
    default: return make_error<cancelled_error>("waiting for the next future was cancelled");
    }
}

timeout_error as_completed_waiter::give_up() {
    std::size_t unfinished = 0;
    {
        const scoped_lock lock(mutex_);
        unfinished = left_.exchange(0, std::memory_order_relaxed);
    }
    serve(); // the other requests are at the end too
    return timeout_error(unfinished, size());
}

void as_completed_waiter::stop() noexcept {
    {
        // A request whose handler went with its context may still be served.
        const scoped_lock lock(mutex_);
        left_.store(0, std::memory_order_relaxed);
    }
    waiter::stop();
}

state_ptr as_completed_waiter::next() {
    bool yielded = false;
    for (;;) {
        state_ptr may_help;
        bool looked = false;
        {
            const scoped_lock lock(mutex_);
            if (left() == 0)
                return nullptr;
            if (first_ != nullptr || collect())
                return pop();
            looked = !deadline_ && helped_ < size();
            if (looked)
                may_help = hold(helped_++);
        }
        if (looked) {
            if (may_help != nullptr)
                static_cast<void>(may_help->prepare_unlimited_wait());
            continue;
        }
        // Where the work shares this processor, several may complete before this thread is
        // woken. Not for long: the scheduler prefers a thread that has slept.
        if (!deadline_ && !std::exchange(yielded, true)) {
            static thread_local adaptive_yield yield(std::chrono::microseconds(200));
            yield();
            continue;
        }
        const auto r = request();
        // Somebody else may hand one of them over meanwhile.
        struct all final : awaited_futures {
            all(as_completed_waiter& w, const next_waiter& n) noexcept : of(w), next(n) {}
            bool all_of(const std::function<bool(shared_state_base&)>& stuck) const override {
                const scoped_lock lock(of.mutex_);
                // One that was claimed is about to get a future, which may have been the last.
                if (of.first_ != nullptr || of.deadline_ || next.is_claimed() || next.done())
                    return false;
                for (std::size_t i = 0; i < of.size(); ++i) {
                    const state_ptr s = of.hold(i);
                    if (s != nullptr && !stuck(*s))
                        return false;
                }
                return true;
            }
            as_completed_waiter& of;
            const next_waiter& next;
        } const futures(*this, *r);
        const awaited_futures::scope waiting(&futures);
        try {
            static_cast<void>(r->wait(timeout()));
        } catch (const would_deadlock&) {
            if (r->cancel()) // or it was served just now
                throw;
        }
        if (r->current() == status::error)
            throw give_up();
        return std::move(r->value());
    }
}

} // namespace ferry::detail
