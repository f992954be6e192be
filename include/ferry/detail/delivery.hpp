// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/post_persistently.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/short_mutex.hpp>
#include <ferry/detail/spin.hpp>

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

class delivery_registry;
struct delivery_batch;

/// How a handler's waiting ended.
enum class ending { done, abandoned };

/// What a waiting handler's cancellation does.
enum class on_cancel {
    cancel_task, ///< the rungs: take out of the queue, ask to stop, or abandon
    stop_waiting ///< abandon
};

/// A handler of some context that waits for an outcome from elsewhere.
///
/// It is shared by its registry, by the state that it waits for, and by the handler's cancellation
/// slot, one share each from the start. Whoever sets `ended_` first decides how the waiting ended and
/// brings it home, with the state's share: to the mailbox of its io_context, or posted to its executor.
/// There it has the registry's share too, and all of them end in one operation.
class delivery : public continuation {
public:
    void fire(shared_state_base*) override;
    void destroy() noexcept override { release(1); }

    /// What it waits for; null once the handler is gone. For the handler's executor.
    boost::intrusive_ptr<shared_state_base> source;

protected:
    /// The share of a cancellation slot, which lives as long as what the slot holds.
    class slot_share {
    public:
        explicit slot_share(delivery& d) noexcept : of_(&d) {}
        slot_share(slot_share&& o) noexcept : of_(std::exchange(o.of_, nullptr)) {}
        slot_share& operator=(slot_share&&) = delete;
        ~slot_share() {
            if (of_ != nullptr && std::exchange(of_->in_slot_, false))
                of_->release(1);
        }
        /// On the handler's executor.
        void cancel(on_cancel rule) const { of_->cancel(rule); }

    private:
        delivery* of_;
    };

    delivery(delivery_registry& registry, bool by_mail, bool in_slot) noexcept
        : continuation(false), registry_(registry), by_mail_(by_mail), in_slot_(in_slot),
          refs_(in_slot ? 3 : 2) {}
    virtual ~delivery() {
        if (keeps_registry_)
            let_registry_go();
    }

    ending how() const noexcept { return how_; }
    /// Ends some shares.
    void release(int n) noexcept {
        // Who has all of them needs no atomic operation: nobody else can make more.
        if (refs_.load(std::memory_order_acquire) == n ||
            refs_.fetch_sub(n, std::memory_order_acq_rel) == n)
            deallocate();
    }
    /// Takes the slot's share over, where that is still there; on the handler's executor.
    int leave_slot() noexcept { return std::exchange(in_slot_, false) ? 1 : 0; }
    /// The shares of one that was brought home and taken out of the list.
    static constexpr int at_home = 2;

private:
    friend class delivery_registry;
    friend struct delivery_batch;

    /// Ends the waiting; false where somebody was first.
    bool end(ending how) noexcept {
        if (ended_.exchange(true, std::memory_order_acq_rel))
            return false;
        how_ = how;
        return true;
    }
    void cancel(on_cancel rule);
    void let_registry_go() noexcept;
    /// Calls the handler, on its executor, and ends the shares before that, so that the memory is
    /// free when the handler runs.
    virtual void complete() = 0;
    /// Posts `complete` to the handler's executor.
    virtual void post() = 0;
    /// Destroys the handler unrun.
    virtual void drop() noexcept = 0;
    virtual void deallocate() noexcept = 0;

    delivery_registry& registry_; // lives while this is in its list, or keeps it
    const bool by_mail_;
    bool keeps_registry_ = false; // the registry was closed before this ended
    bool in_slot_;                // the handler's executor's
    ending how_ = ending::done;
    std::atomic<bool> ended_{false};
    std::atomic<int> refs_;
    delivery* next_ = nullptr; // in the registry, guarded by its mutex
    delivery* prev_ = nullptr;
    delivery* next_mail_ = nullptr;
};

/// The deliveries of one execution context that are under way.
///
/// Invariants: the list shares ownership of what it holds, whose outcome may come while it is
/// dropped. While the list of an io_context is not empty, that context has work. `mail_` is a
/// lock-free list, newest first; the push that finds it empty posts a drain, and the push that finds
/// `expected_mail()` relies on the drain that put that there. `posting_` counts threads that post to
/// the context, so that it is not destroyed under them. The context's service, batches on their way,
/// and deliveries that were under way when it was closed keep the registry.
class delivery_registry : public boost::intrusive_ref_counter<delivery_registry> {
public:
    /// Puts a new one into the list; its mail goes to `home`. False, and it is dropped, where the
    /// context is just being destroyed.
    bool add(delivery& d, boost::asio::io_context* home) FERRY_EXCLUDES(mutex_);
    /// An ended delivery, from any thread, with the state's share.
    void bring(delivery& d) FERRY_EXCLUDES(mutex_);
    /// The context is about to be destroyed: destroys all handlers.
    void close() FERRY_EXCLUDES(mutex_);

private:
    friend struct delivery_batch;
    friend class delivery;
    using work_guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

    static delivery* no_more_mail() noexcept { return reinterpret_cast<delivery*>(1); }
    static delivery* expected_mail() noexcept { return reinterpret_cast<delivery*>(2); }
    void unlink(delivery& d) noexcept FERRY_REQUIRES(mutex_);
    void leave(delivery* first) FERRY_EXCLUDES(mutex_);
    bool look_for_mail() noexcept;
    void post(delivery_batch batch) noexcept;
    void bring_mail(delivery& d) FERRY_EXCLUDES(mutex_);
    /// Ends what `begin_posting` began, also where posting throws.
    struct posting_scope {
        delivery_registry& registry;
        ~posting_scope() { registry.end_posting(); }
    };
    bool begin_posting() FERRY_EXCLUDES(mutex_);
    void end_posting() FERRY_EXCLUDES(mutex_);

    alignas(64) std::atomic<delivery*> mail_{nullptr};
    std::atomic<int> brought_on_{0}; // the processor of the last push; a hint
    polite_yield yield_;             // belongs to who put `expected_mail()` there
    std::atomic<boost::asio::io_context*> io_{nullptr}; // where mail goes; always the same
    // For the drain, of which one at most is posted: an outcome must not depend on free memory.
    template <class T>
    struct drain_allocator;
    alignas(std::max_align_t) std::byte drain_room_[128];

    alignas(64) short_mutex mutex_;
    std::condition_variable_any idle_;
    delivery* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::optional<work_guard> work_ FERRY_GUARDED_BY(mutex_);
    std::atomic<std::size_t> mailed_{0}; // in the list, by mail; changes under the mutex
    std::size_t posting_ FERRY_GUARDED_BY(mutex_) = 0;
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
};

/// Drops what is under way when the context is destroyed: a late outcome then does nothing.
class delivery_service : public boost::asio::execution_context::service {
public:
    using key_type = delivery_service;
    static boost::asio::execution_context::id id;

    explicit delivery_service(boost::asio::execution_context& context)
        : service(context), registry(new delivery_registry) {}
    ~delivery_service() override;

    const boost::intrusive_ptr<delivery_registry> registry;

private:
    void shutdown() override { registry->close(); }
};

/// The registry of the context; remembers the one that this thread asked for last.
delivery_registry& registry_of(boost::asio::execution_context& context);

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

/// Someone who waits for the calls that a cancellation leaves running.
class abandoned_calls {
public:
    virtual void adopt(boost::intrusive_ptr<shared_state_base> call) = 0;

    /// Who gets what is abandoned on this thread now, or null.
    static abandoned_calls* current() noexcept;

    /// Makes `calls` that one for a while.
    class scope {
    public:
        explicit scope(abandoned_calls* calls) noexcept;
        ~scope();
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        abandoned_calls* outer_;
    };

protected:
    ~abandoned_calls() = default;
};

/// `Posted`: to `executor_`, else by mail.
template <class Handler, bool Posted>
class handler_delivery final : public delivery {
    using default_allocator = boost::asio::recycling_allocator<void>;
    using allocator = typename std::allocator_traits<boost::asio::associated_allocator_t<
        Handler, default_allocator>>::template rebind_alloc<handler_delivery>;
    using traits = std::allocator_traits<allocator>;

public:
    /// Calls `handler(ending)` on `ex`, its executor, when `state` is done. `io` is the context for
    /// mail.
    template <class E>
    static void start(shared_state_base& state, const E& ex, boost::asio::io_context* io, Handler&& h,
                      on_cancel rule) {
        auto slot = boost::asio::get_associated_cancellation_slot(h);
        const bool in_slot = slot.is_connected();
        delivery_registry& registry =
            registry_of(boost::asio::query(ex, boost::asio::execution::context));
        allocator a(boost::asio::get_associated_allocator(h, default_allocator()));
        struct sharing {
            ~sharing() {
                if (d != nullptr)
                    d->release(at_home + d->leave_slot());
            }
            handler_delivery* d;
        } fresh{::new (static_cast<void*>(traits::allocate(a, 1)))
                    handler_delivery(std::move(h), registry, in_slot, a)};
        handler_delivery* const d = fresh.d;
        if constexpr (Posted)
            d->executor_ =
                boost::asio::prefer(ex, boost::asio::execution::outstanding_work.tracked);
        if (in_slot) {
            // The slot may outlive the handler's context, which what is waited for may belong to.
            d->source.reset(&state);
            slot.assign([share = slot_share(*d), rule](boost::asio::cancellation_type) {
                share.cancel(rule);
            });
        }
        fresh.d = nullptr;
        if (registry.add(*d, io) && !state.add(*d))
            d->fire(nullptr);
    }

private:
    struct nothing {};

    handler_delivery(Handler&& h, delivery_registry& registry, bool in_slot, const allocator& a)
        : delivery(registry, !Posted, in_slot), handler_(std::move(h)), allocator_(a) {}
    ~handler_delivery() = default;

    void complete() override {
        const int shares = at_home + leave_slot();
        auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
        if (slot.is_connected())
            slot.clear();
        Handler h(std::move(*handler_));
        handler_.reset();
        source.reset();
        const ending end = how();
        release(shares);
        std::move(h)(end);
    }
    void post() override {
        if constexpr (Posted) {
            // Destroyed uncalled it must drop the handler, which may own what holds a share here.
            struct call {
                explicit call(handler_delivery* d) noexcept : self(d) {}
                call(call&& o) noexcept : self(std::exchange(o.self, nullptr)) {}
                call& operator=(call&&) = delete;
                ~call() {
                    if (self != nullptr && !posting_attempt::notices(self)) {
                        self->drop();
                        self->release(at_home);
                    }
                }
                void operator()() { std::exchange(self, nullptr)->complete(); }
                handler_delivery* self;
            };
            const auto ex = std::move(executor_);
            if (!post_persistently(this, [&] { boost::asio::post(ex, call(this)); })) {
                drop();
                release(at_home);
            }
        }
    }
    void drop() noexcept override {
        handler_.reset();
        source.reset();
        executor_ = {};
    }
    void deallocate() noexcept override {
        allocator a(std::move(allocator_));
        this->~handler_delivery();
        traits::deallocate(a, this, 1);
    }

    std::optional<Handler> handler_;
    [[no_unique_address]] std::conditional_t<Posted, boost::asio::any_io_executor, nothing> executor_;
    [[no_unique_address]] allocator allocator_;
};

/// Calls `handler(ending)` on `ex`, its executor, when `state` is done, or when its cancellation
/// slot ends the waiting. Never calls it from here. The caller or the handler keeps the state.
template <class E, class Handler>
void deliver_when_done(shared_state_base& state, const E& ex, Handler handler, on_cancel rule) {
    boost::asio::io_context* const io = plain_io_context(ex);
    if constexpr (can_be_plain<E>) {
        if (io != nullptr) {
            handler_delivery<Handler, false>::start(state, ex, io, std::move(handler), rule);
            return;
        }
    }
    handler_delivery<Handler, true>::start(state, ex, io, std::move(handler), rule);
}

} // namespace ferry::detail
