// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/wait_op.hpp>

#include <ferry/detail/as_if_alone.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/scope_exit.hpp>

#include "support/prefetch.hpp"
#include "support/wake_up.hpp"

namespace ferry::detail {

boost::asio::execution_context::id wait_op_service::id;

namespace {

thread_local thread_role role;

} // namespace

thread_role& role_of_this_thread() noexcept { return role; }

abandoned_call_owner* abandoned_call_owner::current() noexcept { return role.calls; }
abandoned_call_owner::scope::scope(abandoned_call_owner* calls) noexcept
    : outer_(std::exchange(role.calls, calls)) {}
abandoned_call_owner::scope::~scope() { role.calls = outer_; }

namespace {

/// The operations that the calling thread has completed last, by their addresses, which nobody
/// follows: some may be gone, or belong to another context. The lines of memory of completed
/// operations come from another processor, and whoever goes through a list of them would wait for
/// each one before it knows the next. Each operation names an earlier one, so that several lines are
/// on their way at a time (measured: 1000 coroutines that offload take half the time).
class completed_lately {
public:
    /// Notes one, and gives the one that was completed some time before, or null.
    const void* exchange(const void* op) noexcept {
        return std::exchange(ops_[count_++ % distance], op);
    }

private:
    static constexpr unsigned distance = 8; // 2 and 4: a few per cent slower

    const void* ops_[distance] = {};
    unsigned count_ = 0;
};
constinit thread_local completed_lately completed_here;

} // namespace

// A batch that drains has its memory from the registry, the others from Asio.
template <class T>
struct wait_op_registry::drain_allocator {
    using value_type = T;

    explicit drain_allocator(wait_op_registry* r) noexcept : room_of(r) {}
    template <class U>
    drain_allocator(const drain_allocator<U>& o) noexcept : room_of(o.room_of) {}

    T* allocate(std::size_t n) {
        if (room_of != nullptr && n * sizeof(T) <= sizeof room_of->drain_room_)
            return reinterpret_cast<T*>(room_of->drain_room_);
        return boost::asio::recycling_allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        if (room_of == nullptr || p != static_cast<void*>(room_of->drain_room_))
            boost::asio::recycling_allocator<T>().deallocate(p, n);
    }
    template <class U>
    bool operator==(const drain_allocator<U>& o) const noexcept {
        return room_of == o.room_of;
    }

    wait_op_registry* room_of;
};

/// Ended operations on their way to their handlers; shares ownership of them. Runs a few of them
/// and leaves the rest to another one, so that other handlers and other threads get their turn.
struct completion_batch {
    static constexpr std::size_t size = 16;
    using allocator_type = wait_op_registry::drain_allocator<void>;

    allocator_type get_allocator() const noexcept {
        return allocator_type(first == nullptr ? registry.get() : nullptr);
    }

    completion_batch(boost::intrusive_ptr<wait_op_registry> r, wait_op* f) noexcept
        : registry(std::move(r)), first(f) {}
    completion_batch(completion_batch&& o) noexcept
        : registry(std::move(o.registry)), first(std::exchange(o.first, nullptr)), left(o.left) {}
    ~completion_batch() {
        if (first != nullptr && posting_attempt::notices(first))
            return;
        while (wait_op* d = pop()) {
            d->drop();
            d->release(left ? wait_op::owner_refs : 1);
        }
    }

    wait_op* pop() noexcept {
        wait_op* const d = first;
        if (d != nullptr)
            first = d->next_completed_;
        return d;
    }

    void collect() noexcept {
        wait_op* completed = registry->completed_.exchange(nullptr, std::memory_order_acq_rel);
        while (completed != nullptr) { // newest first: turn it round
            fetch_object_for_writing(completed->completed_before_);
            fetch_object_for_writing(completed->outcome_);
            first = std::exchange(completed, std::exchange(completed->next_completed_, first));
        }
    }

    /// Cuts off what exceeds one batch.
    completion_batch split() noexcept {
        wait_op* last = first;
        for (std::size_t n = 1; n < size && last != nullptr; ++n)
            last = last->next_completed_;
        return {registry,
                last != nullptr ? std::exchange(last->next_completed_, nullptr) : nullptr};
    }

    void operator()() {
        if (first == nullptr)
            collect();
        completion_batch rest = split();
        const bool more = rest.first != nullptr;
        registry->post(std::move(rest));
        if (!left)
            registry->unlink_batch(first);
        left = true;
        // What a handler throws goes to whoever runs the context, as with any handler; the others
        // are not lost.
        const scope_exit at_end([this] { registry->post(std::move(*this)); });
        while (wait_op* d = pop())
            d->complete();
        if (!more && registry->poll_completed()) {
            left = false;
            collect(); // for `at_end`, so that other handlers run before
        }
    }

    boost::intrusive_ptr<wait_op_registry> registry;
    wait_op* first;
    bool left = false; // they are in their registry's list no more, and have its share
};

void wait_op::let_registry_go() noexcept { intrusive_ptr_release(&registry_); }

void wait_op::fire(shared_state_base*) {
    if (end(wait_status::ready))
        registry_.complete_from_any_thread(*this);
    else
        release(1);
}

void wait_op::cancel(cancel_mode rule) {
    const auto s = source;
    if (s == nullptr ||
        (rule == cancel_mode::cancel_task && (s->cancel() || s->done() || s->cancel_running())))
        return;
    if (!end(wait_status::abandoned))
        return;
    // The state's share, or another one where the state is about to end it.
    if (!s->remove(*this))
        refs_.fetch_add(1, std::memory_order_relaxed);
    // Also where there was no memory to wait for the call.
    const scope_exit at_end([this] { registry_.complete_from_any_thread(*this); });
    if (auto* const calls = abandoned_call_owner::current();
        calls != nullptr && rule == cancel_mode::cancel_task)
        calls->wait_for_abandoned(s);
}

// ---- The registry -------------------------------------------------------------------------------

namespace {

// How many registries have gone: while that stays, what a thread remembers is there.
std::atomic<unsigned> registries_gone{0};

struct remembered_registry {
    boost::asio::execution_context* context = nullptr;
    wait_op_registry* registry = nullptr;
    unsigned gone = 0;
};
thread_local remembered_registry latest;

} // namespace

wait_op_registry& registry_of(boost::asio::execution_context& context) {
    const unsigned gone = registries_gone.load(std::memory_order_acquire);
    if (latest.context != &context || latest.gone != gone)
        latest = {&context, boost::asio::use_service<wait_op_service>(context).registry.get(),
                  gone};
    return *latest.registry;
}

// A service that was made while its context was being shut down has not been.
wait_op_service::~wait_op_service() {
    registry->close();
    registries_gone.fetch_add(1, std::memory_order_acq_rel);
}

bool wait_op_registry::add(wait_op& d, boost::asio::io_context* io) {
    {
        const scoped_lock lock(mutex_);
        if (!closed_) {
            FERRY_ASSERT(d.next_ == nullptr && d.prev_ == nullptr);
            d.next_ = first_;
            if (first_ != nullptr)
                first_->prev_ = &d;
            first_ = &d;
            if (d.batched_) {
                const std::size_t others = batched_ops_.load(std::memory_order_relaxed);
                batched_ops_.store(others + 1, std::memory_order_relaxed);
                if (others == 0) {
                    io_.store(io);
                    work_.emplace(io->get_executor());
                }
            }
            return true;
        }
    }
    d.drop();
    d.release(wait_op::owner_refs);
    return false;
}

// The caller gets the list's share.
void wait_op_registry::unlink(wait_op& d) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(&d.registry_ == this && (d.prev_ != nullptr || first_ == &d));
    FERRY_ASSERT(!d.batched_ || batched_ops_.load() != 0);
    (d.prev_ != nullptr ? d.prev_->next_ : first_) = d.next_;
    if (d.next_ != nullptr)
        d.next_->prev_ = d.prev_;
    d.next_ = d.prev_ = nullptr;
    if (d.batched_) {
        const std::size_t others = batched_ops_.load(std::memory_order_relaxed) - 1;
        batched_ops_.store(others, std::memory_order_relaxed);
        if (others == 0)
            work_.reset();
    }
}

// From a successful one to `end_posting` neither the context nor this goes.
bool wait_op_registry::begin_posting() {
    const scoped_lock lock(mutex_);
    if (closed_)
        return false;
    ++posting_;
    return true;
}

void wait_op_registry::end_posting() {
    const scoped_lock lock(mutex_);
    FERRY_ASSERT(posting_ != 0);
    if (--posting_ == 0 && closed_)
        idle_.notify_all();
}

// The operation, and what it holds of the registry, may be gone from where it is handed over.
void wait_op_registry::complete_from_any_thread(wait_op& d) {
    if (d.batched_) {
        push_completed(d);
        return;
    }
    {
        scoped_lock lock(mutex_);
        if (closed_) {
            lock.unlock();
            d.release(1);
            return;
        }
        unlink(d);
        ++posting_;
    }
    const scope_exit at_end([this] { end_posting(); }); // also where posting throws
    d.post();
}

void wait_op_registry::push_completed(wait_op& d) {
    d.completed_before_ = completed_here.exchange(&d);
    bool posting = false;
    wait_op* head = completed_.load(std::memory_order_relaxed);
    do {
        if (head == nullptr || head == awaited_tag())
            completed_on_.store(this_processor(), std::memory_order_relaxed);
        if (head == nullptr && !posting) {
            posting = begin_posting(); // where it fails, the list is closed soon
        }
        if (head == closed_tag()) {
            d.release(1);
            if (posting)
                end_posting();
            return;
        }
        d.next_completed_ = head == awaited_tag() ? nullptr : head;
    } while (!completed_.compare_exchange_weak(head, &d, std::memory_order_acq_rel));
    if (!posting)
        return;
    const scope_exit at_end([this] { end_posting(); });
    if (head == nullptr)
        boost::asio::post(io_.load()->get_executor(), completion_batch(this, nullptr));
}

void wait_op_registry::unlink_batch(wait_op* first) {
    const scoped_lock lock(mutex_);
    for (; first != nullptr; first = first->next_completed_)
        unlink(*first);
}

// Before the context goes to sleep, waits a moment for the calls that are under way, so that they
// need not wake it one by one. Where they share this processor, it lets them go on (measured: 1000
// coroutines offloading in turn take half the time). True where others have completed.
bool wait_op_registry::poll_completed() noexcept {
    const std::size_t under_way = batched_ops_.load(std::memory_order_relaxed);
    if (under_way == 0)
        return false;
    const bool together = completed_on_.load(std::memory_order_relaxed) == this_processor();
    if (!together && under_way > completion_batch::size)
        return false; // more of them complete during a sleep, and cost one wake-up then
    wait_op* none = nullptr;
    if (!completed_.compare_exchange_strong(none, awaited_tag(), std::memory_order_acq_rel))
        return false; // whoever pushed that posted a drain
    if (together)
        yield_();
    else
        look_for_completed();
    wait_op* still = awaited_tag();
    return !completed_.compare_exchange_strong(still, nullptr, std::memory_order_acq_rel);
}

// By the thread that put `awaited_tag()`.
void wait_op_registry::look_for_completed() noexcept {
    const auto time = looks_.time({.wake_up = wake_up_estimate::shared().get()});
    if (time.count() == 0)
        return;
    looks_.looked(look_for(
        time, [this] { return completed_.load(std::memory_order_relaxed) != awaited_tag(); }));
}

void wait_op_registry::post(completion_batch batch) noexcept {
    wait_op* const first = std::exchange(batch.first, nullptr);
    if (first == nullptr)
        return;
    const auto again = [&] {
        completion_batch b(this, first);
        b.left = batch.left;
        return b;
    };
    if (!post_persistently(first, [&] { boost::asio::post(io_.load()->get_executor(), again()); }))
        static_cast<void>(again()); // drops them
}

void wait_op_registry::close() {
    wait_op* completed = completed_.exchange(closed_tag(), std::memory_order_acq_rel);
    if (completed == closed_tag())
        return;
    wait_op* orphans = nullptr;
    {
        scoped_lock lock(mutex_);
        closed_ = true;
        while (posting_ != 0)
            idle_.wait(lock);
        orphans = std::exchange(first_, nullptr);
        work_.reset();
        // Each of them may still be completed.
        for (wait_op* d = orphans; d != nullptr; d = d->next_) {
            intrusive_ptr_add_ref(this);
            d->keeps_registry_ = true;
        }
    }
    while (orphans != nullptr) {
        wait_op* const d = std::exchange(orphans, orphans->next_);
        d->drop();
        d->release(1);
    }
    while (completed != nullptr)
        std::exchange(completed, completed->next_completed_)->release(1);
}

} // namespace ferry::detail
