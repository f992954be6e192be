// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/post_persistently.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/wait_node.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>

namespace ferry::detail {

class wait_op_registry;
struct completion_batch;

/// How a handler's waiting ended.
enum class wait_status : unsigned char { ready, abandoned };

/// What a waiting handler's cancellation does.
enum class cancel_mode {
    cancel_task, ///< the rungs: take out of the queue, ask to stop, or abandon
    stop_waiting ///< abandon
};

/// A handler of some context that waits for an outcome from elsewhere.
///
/// It is shared by its registry, by the state that it waits for, and by the handler's cancellation
/// slot, one share each from the start. Whoever sets `ended_` first decides how the waiting ended
/// and passes it on, with the state's share: into the list of completed operations of its
/// io_context, if it is batched, or posted to its executor. There it has the registry's share too,
/// and all of them end in one operation.
///
/// What another thread reads and writes to end it comes first, and what only the handler's context
/// uses comes last, because two processors that write to the same line of memory wait for each
/// other.
class FERRY_DECL wait_op : public continuation {
    const bool batched_;
    std::atomic<bool> ended_{false};
    wait_status how_ = wait_status::ready;
    std::atomic<int> refs_;
    wait_op_registry& registry_; // lives while this is in its list, or keeps it
    wait_op* next_completed_ = nullptr;
    const void* completed_before_ = nullptr; // an address only; see `completed_lately`

public:
    void fire(shared_state_base*) override;
    void destroy() noexcept override { release(1); }

    /// What it waits for; null once the handler is gone. For the handler's executor.
    boost::intrusive_ptr<shared_state_base> source;

protected:
    /// The share of a cancellation slot, which lives as long as what the slot holds.
    class slot_reference {
    public:
        explicit slot_reference(wait_op& d) noexcept : of_(&d) {}
        slot_reference(slot_reference&& o) noexcept : of_(std::exchange(o.of_, nullptr)) {}
        slot_reference& operator=(slot_reference&&) = delete;
        ~slot_reference() {
            if (of_ != nullptr && std::exchange(of_->in_slot_, false))
                of_->release(1);
        }
        /// On the handler's executor.
        void cancel(cancel_mode rule) const { of_->cancel(rule); }

    private:
        wait_op* of_;
    };

    wait_op(wait_op_registry& registry, bool batched, bool in_slot) noexcept
        : continuation(false, batched), batched_(batched), refs_(in_slot ? 3 : 2),
          registry_(registry), in_slot_(in_slot) {}
    virtual ~wait_op() {
        if (keeps_registry_)
            let_registry_go();
    }

    wait_status how() const noexcept { return how_; }
    /// Notes what it waits for; for readers outside too, where that is recorded.
    void note(const shared_state_base& state) noexcept {
        outcome_ = &state;
        if (state.is_recorded())
            node_ = wait_node(wait_kind::await, current_wait_node, &state);
    }
    wait_node node_;                               // of the wait, for readers outside
    std::uint32_t outer_node_ = current_wait_node; // that the handler works for
    /// Ends some shares.
    void release(int n) noexcept {
        FERRY_ASSERT(refs_.load() >= n);
        // An owner of all of them needs no atomic operation: no other thread can make more.
        if (refs_.load(std::memory_order_acquire) == n ||
            refs_.fetch_sub(n, std::memory_order_acq_rel) == n)
            deallocate();
    }
    /// Takes the slot's share over, where that is still there; on the handler's executor.
    int release_slot() noexcept { return std::exchange(in_slot_, false) ? 1 : 0; }
    /// The shares of one that was completed and taken out of the list.
    static constexpr int owner_refs = 2;

private:
    friend class wait_op_registry;
    friend struct completion_batch;

    /// Ends the waiting; false where somebody was first.
    bool end(wait_status how) noexcept {
        if (ended_.exchange(true, std::memory_order_acq_rel))
            return false;
        how_ = how;
        return true;
    }
    void cancel(cancel_mode rule);
    void let_registry_go() noexcept;
    /// Calls the handler, on its executor, and ends the shares before that, so that the memory is
    /// free when the handler runs.
    virtual void complete() = 0;
    /// Posts `complete` to the handler's executor.
    virtual void post() = 0;
    /// Destroys the handler unrun.
    virtual void drop() noexcept = 0;
    virtual void deallocate() noexcept = 0;

    bool keeps_registry_ = false;   // the registry was closed before this ended
    bool in_slot_;                  // the handler's executor's
    const void* outcome_ = nullptr; // what it waits for; an address only
    wait_op* next_ = nullptr;       // in the registry, guarded by its mutex
    wait_op* prev_ = nullptr;
};

/// The operations of one execution context that are under way.
///
/// Invariants: the list shares ownership of what it holds, whose outcome may come while it is
/// dropped. While the list of an io_context is not empty, that context has work. `completed_` is a
/// lock-free list, newest first; the push that finds it empty posts a drain, and the push that
/// finds `awaited_tag()` relies on the drain that put that there. `posting_` counts threads that
/// post to the context, so that it is not destroyed under them. The context's service, batches on
/// their way, and operations that were under way when it was closed keep the registry.
class FERRY_DECL wait_op_registry : public boost::intrusive_ref_counter<wait_op_registry> {
public:
    /// Puts a new one into the list; `io` is the context of a batched one. False, and it is
    /// dropped, where the context is just being destroyed.
    bool add(wait_op& d, boost::asio::io_context* io) FERRY_EXCLUDES(mutex_);
    /// Takes an ended operation, from any thread, with the state's share.
    void complete_from_any_thread(wait_op& d) FERRY_EXCLUDES(mutex_);
    /// The context is about to be destroyed: destroys all handlers.
    void close() FERRY_EXCLUDES(mutex_);

private:
    friend struct completion_batch;
    friend class wait_op;
    using work_guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

    static wait_op* closed_tag() noexcept { return reinterpret_cast<wait_op*>(1); }
    static wait_op* awaited_tag() noexcept { return reinterpret_cast<wait_op*>(2); }
    void unlink(wait_op& d) noexcept FERRY_REQUIRES(mutex_);
    void unlink_batch(wait_op* first) FERRY_EXCLUDES(mutex_);
    bool poll_completed() noexcept;
    void look_for_completed() noexcept;
    void post(completion_batch batch) noexcept;
    void push_completed(wait_op& d) FERRY_EXCLUDES(mutex_);
    bool begin_posting() FERRY_EXCLUDES(mutex_);
    void end_posting() FERRY_EXCLUDES(mutex_);

    alignas(64) std::atomic<wait_op*> completed_{nullptr};
    std::atomic<int> completed_on_{0};                  // the processor of the last push; a hint
    look_policy looks_;                                 // of the thread that put `awaited_tag()`
    adaptive_yield yield_;                              // of the thread that put `awaited_tag()`
    std::atomic<boost::asio::io_context*> io_{nullptr}; // of the batched ones; always the same
    // For the drain, of which one at most is posted: an outcome must not depend on free memory.
    template <class T>
    struct drain_allocator;
    alignas(std::max_align_t) std::byte drain_room_[128];

    alignas(64) adaptive_mutex mutex_;
    std::condition_variable_any idle_;
    wait_op* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::optional<work_guard> work_ FERRY_GUARDED_BY(mutex_);
    std::atomic<std::size_t> batched_ops_{0}; // in the list; changes under the mutex
    std::size_t posting_ FERRY_GUARDED_BY(mutex_) = 0;
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
};

/// Drops what is under way when the context is destroyed: a late outcome then does nothing.
class FERRY_DECL wait_op_service : public boost::asio::execution_context::service {
public:
    using key_type = wait_op_service;
    static boost::asio::execution_context::id id;

    explicit wait_op_service(boost::asio::execution_context& context)
        : service(context), registry(new wait_op_registry) {}
    ~wait_op_service() override;

    const boost::intrusive_ptr<wait_op_registry> registry;

private:
    void shutdown() override { registry->close(); }
};

/// The registry of the context; remembers the one that this thread asked for last.
FERRY_DECL wait_op_registry& registry_of(boost::asio::execution_context& context);

template <class E>
inline constexpr bool can_be_plain = std::is_same_v<E, boost::asio::io_context::executor_type> ||
                                     std::is_same_v<E, boost::asio::any_io_executor>;

/// The io_context that this executor is a plain executor of, or null.
template <class E>
boost::asio::io_context* plain_io_context(const E& ex) noexcept {
    using plain = boost::asio::io_context::executor_type;
    if constexpr (std::is_same_v<E, plain>)
        return &ex.context();
    else if constexpr (std::is_same_v<E, boost::asio::any_io_executor>) {
        const auto* p = ex.template target<plain>();
        return p != nullptr ? &p->context() : nullptr;
    } else
        return nullptr;
}

/// An owner that waits for the calls that a cancellation leaves running.
class FERRY_DECL abandoned_call_owner {
public:
    virtual void wait_for_abandoned(boost::intrusive_ptr<shared_state_base> call) = 0;

    /// The owner of the calls that this thread abandons now, or null.
    static abandoned_call_owner* current() noexcept;

    /// Makes `calls` that one for a while.
    class FERRY_DECL scope {
    public:
        explicit scope(abandoned_call_owner* calls) noexcept;
        ~scope();
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        abandoned_call_owner* outer_;
    };

protected:
    ~abandoned_call_owner() = default;
};

/// Calls `adapt(handler, how the waiting ended)`, which calls the handler with its own arguments.
/// `Posted`: it is posted to `executor_`; else it is batched.
template <class Handler, class Adapt, bool Posted>
class wait_op_impl final : public wait_op {
    using default_allocator = boost::asio::recycling_allocator<void>;
    using allocator = typename std::allocator_traits<boost::asio::associated_allocator_t<
        Handler, default_allocator>>::template rebind_alloc<wait_op_impl>;
    using traits = std::allocator_traits<allocator>;

public:
    /// Completes on `ex`, the handler's executor, when `state` is done. `io` is the context of a
    /// batched one.
    template <class E>
    static void start(shared_state_base& state, const E& ex, boost::asio::io_context* io,
                      Handler&& h, Adapt&& adapt, cancel_mode rule) {
        auto slot = boost::asio::get_associated_cancellation_slot(h);
        const bool in_slot = slot.is_connected();
        wait_op_registry& registry =
            registry_of(boost::asio::query(ex, boost::asio::execution::context));
        allocator a(boost::asio::get_associated_allocator(h, default_allocator()));
        struct sharing {
            ~sharing() {
                if (d != nullptr)
                    d->release(owner_refs + d->release_slot());
            }
            wait_op_impl* d;
        } fresh{::new (static_cast<void*>(traits::allocate(a, 1)))
                    wait_op_impl(std::move(h), std::move(adapt), registry, in_slot, a)};
        wait_op_impl* const d = fresh.d;
        if constexpr (Posted)
            d->executor_ =
                boost::asio::prefer(ex, boost::asio::execution::outstanding_work.tracked);
        if (in_slot) {
            // The slot may outlive the handler's context, which what is waited for may belong to.
            d->source.reset(&state);
            slot.assign([share = slot_reference(*d), rule](boost::asio::cancellation_type) {
                share.cancel(rule);
            });
        }
        d->note(state);
        fresh.d = nullptr;
        if (registry.add(*d, io) && !state.add(*d))
            d->fire(nullptr);
    }

private:
    struct nothing {};

    struct completion {
        completion(Handler&& h, Adapt&& a) : handler(std::move(h)), adapt(std::move(a)) {}
        Handler handler;
        Adapt adapt;
    };

    wait_op_impl(Handler&& h, Adapt&& adapt, wait_op_registry& registry, bool in_slot,
                 const allocator& a)
        : wait_op(registry, !Posted, in_slot),
          completion_(std::in_place, std::move(h), std::move(adapt)), allocator_(a) {}
    ~wait_op_impl() = default;

    void complete() override {
        FERRY_ASSERT(completion_.has_value()); // it is called once
        const int shares = owner_refs + release_slot();
        auto slot = boost::asio::get_associated_cancellation_slot(completion_->handler);
        if (slot.is_connected())
            slot.clear();
        completion c(std::move(*completion_));
        completion_.reset();
        source.reset();
        const wait_status end = how();
        node_.resumed();
        const wait_node_scope scope(outer_node_);
        release(shares);
        c.adapt(std::move(c.handler), end);
    }
    void post() override {
        if constexpr (Posted) {
            // Destroyed uncalled it must drop the handler, which may own what holds a share here.
            struct call {
                explicit call(wait_op_impl* d) noexcept : self(d) {}
                call(call&& o) noexcept : self(std::exchange(o.self, nullptr)) {}
                call& operator=(call&&) = delete;
                ~call() {
                    if (self != nullptr && !posting_attempt::notices(self)) {
                        self->drop();
                        self->release(owner_refs);
                    }
                }
                void operator()() { std::exchange(self, nullptr)->complete(); }
                wait_op_impl* self;
            };
            const auto ex = std::move(executor_);
            if (!post_persistently(this, [&] { boost::asio::post(ex, call(this)); })) {
                drop();
                release(owner_refs);
            }
        }
    }
    void drop() noexcept override {
        completion_.reset();
        source.reset();
        executor_ = {};
    }
    void deallocate() noexcept override {
        allocator a(std::move(allocator_));
        this->~wait_op_impl();
        traits::deallocate(a, this, 1);
    }

    std::optional<completion> completion_; // until it is called or dropped
    [[no_unique_address]] std::conditional_t<Posted, boost::asio::any_io_executor, nothing>
        executor_;
    [[no_unique_address]] allocator allocator_;
};

/// Calls `adapt(handler, wait_status)` on `ex`, the handler's executor, when `state` is done, or
/// when the handler's cancellation slot ends the waiting. Never calls it from here. The caller, the
/// handler or `adapt` keeps the state.
template <class E, class Handler, class Adapt>
void complete_when_done(shared_state_base& state, const E& ex, Handler handler, Adapt adapt,
                        cancel_mode rule) {
    boost::asio::io_context* const io = plain_io_context(ex);
    if constexpr (can_be_plain<E>) {
        if (io != nullptr) {
            wait_op_impl<Handler, Adapt, false>::start(state, ex, io, std::move(handler),
                                                       std::move(adapt), rule);
            return;
        }
    }
    wait_op_impl<Handler, Adapt, true>::start(state, ex, io, std::move(handler), std::move(adapt),
                                              rule);
}

} // namespace ferry::detail
