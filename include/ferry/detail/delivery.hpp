// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

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

#include <condition_variable>
#include <memory>
#include <optional>

namespace ferry::detail {

class delivery_registry;
struct delivery_batch;

/// How a handler's waiting ended.
enum class ending { done, abandoned };

/// A handler of some context that waits for an outcome from elsewhere.
///
/// It is shared by its registry, by the state that it waits for, and by the handler's cancellation
/// slot. Whoever sets `ended_` first decides how the waiting ended and brings it home: to the
/// mailbox of its io_context, or posted to its executor.
class delivery : public continuation {
public:
    /// Ends the waiting; false where somebody was first. Else it is to be brought home.
    bool end(ending how) noexcept;
    /// With the caller's reference, so that the memory is free when the handler runs.
    void bring_home();
    void fire(shared_state_base&) override {
        if (end(ending::done))
            bring_home();
        else
            release();
    }
    void destroy() noexcept override { release(); }

    /// What it waits for; null once the handler is gone. For the handler's executor.
    boost::intrusive_ptr<shared_state_base> source;

    friend void intrusive_ptr_add_ref(delivery* d) noexcept {
        d->refs_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(delivery* d) noexcept { d->release(); }

protected:
    /// Puts it into the registry's list; the mail goes to `io`.
    void enroll(boost::asio::io_context* io);

    delivery(std::shared_ptr<delivery_registry> registry, bool by_mail) noexcept
        : continuation(false), registry_(std::move(registry)), by_mail_(by_mail) {}
    ~delivery() = default;

    ending how() const noexcept { return how_; }

private:
    friend class delivery_registry;
    friend struct delivery_batch;

    /// Calls the handler, on its executor, and ends one reference before that.
    virtual void complete() = 0;
    /// Posts `complete` to the handler's executor, with the caller's reference.
    virtual void post() = 0;
    /// Destroys the handler unrun.
    virtual void drop() noexcept = 0;
    virtual void deallocate() noexcept = 0;

    void release() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            deallocate();
    }

    const std::shared_ptr<delivery_registry> registry_;
    const bool by_mail_;
    ending how_ = ending::done;
    std::atomic<bool> ended_{false};
    std::atomic<int> refs_{1};
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
/// the context, so that it is not destroyed under them.
class delivery_registry : public std::enable_shared_from_this<delivery_registry> {
public:
    void add(delivery& d, boost::asio::io_context* home) FERRY_EXCLUDES(mutex_);
    /// An ended delivery, from any thread, with the caller's reference.
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
    void post(delivery_batch batch);
    void bring_mail(delivery& d) FERRY_EXCLUDES(mutex_);
    bool begin_posting() FERRY_EXCLUDES(mutex_);
    void end_posting() FERRY_EXCLUDES(mutex_);

    alignas(64) std::atomic<delivery*> mail_{nullptr};
    std::atomic<int> brought_on_{0}; // the processor of the last push; a hint
    polite_yield yield_;             // belongs to who put `expected_mail()` there
    std::atomic<boost::asio::io_context*> io_{nullptr}; // where mail goes; always the same

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
        : service(context), registry(std::make_shared<delivery_registry>()) {}

    const std::shared_ptr<delivery_registry> registry;

private:
    void shutdown() override { registry->close(); }
};

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

/// What a waiting handler's cancellation does.
enum class on_cancel {
    cancel_task, ///< the rungs: take out of the queue, ask to stop, or abandon
    stop_waiting ///< abandon
};

template <class Handler>
class handler_delivery final : public delivery {
    using default_allocator = boost::asio::recycling_allocator<void>;
    using allocator = typename std::allocator_traits<boost::asio::associated_allocator_t<
        Handler, default_allocator>>::template rebind_alloc<handler_delivery>;
    using traits = std::allocator_traits<allocator>;

public:
    /// Registers the handler with the context of `ex`, its executor.
    template <class E>
    static boost::intrusive_ptr<handler_delivery> create(Handler&& h, const E& ex) {
        boost::asio::execution_context& context =
            boost::asio::query(ex, boost::asio::execution::context);
        boost::asio::io_context* const io = plain_io_context(ex);
        allocator a(boost::asio::get_associated_allocator(h, default_allocator()));
        auto* const room = traits::allocate(a, 1);
        boost::intrusive_ptr<handler_delivery> d(
            ::new (static_cast<void*>(room)) handler_delivery(
                std::move(h), boost::asio::use_service<delivery_service>(context).registry,
                io != nullptr, a),
            false);
        if (io == nullptr)
            d->executor_ =
                boost::asio::prefer(ex, boost::asio::execution::outstanding_work.tracked);
        d->enroll(io);
        return d;
    }

    Handler& handler() noexcept { return *handler_; }

private:
    handler_delivery(Handler&& h, std::shared_ptr<delivery_registry> registry, bool by_mail,
                     const allocator& a)
        : delivery(std::move(registry), by_mail), handler_(std::move(h)), allocator_(a) {}
    ~handler_delivery() = default;

    void complete() override {
        auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
        if (slot.is_connected())
            slot.clear();
        Handler h(std::move(*handler_));
        handler_.reset();
        source.reset();
        const ending end = how();
        intrusive_ptr_release(this);
        std::move(h)(end);
    }
    void post() override {
        // Destroyed uncalled it must drop the handler, which may own what holds a reference here.
        struct call {
            explicit call(handler_delivery* d) noexcept : self(d, false) {}
            call(call&&) noexcept = default;
            ~call() {
                if (self != nullptr)
                    self->drop();
            }
            void operator()() { self.detach()->complete(); }
            boost::intrusive_ptr<handler_delivery> self;
        };
        const auto ex = std::move(executor_);
        boost::asio::post(ex, call(this));
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
    boost::asio::any_io_executor executor_;
    [[no_unique_address]] allocator allocator_;
};

/// Calls `handler(ending)` on `ex`, its executor, when `state` is done, or when its cancellation
/// slot ends the waiting. Never calls it from here.
template <class E, class Handler>
void deliver_when_done(boost::intrusive_ptr<shared_state_base> state, const E& ex, Handler handler,
                       on_cancel rule) {
    auto d = handler_delivery<Handler>::create(std::move(handler), ex);
    auto slot = boost::asio::get_associated_cancellation_slot(d->handler());
    if (slot.is_connected()) {
        // The slot may outlive the handler's context, which what is waited for may belong to.
        d->source = state;
        slot.assign([d, rule](boost::asio::cancellation_type) {
            const auto s = d->source;
            if (s == nullptr || (rule == on_cancel::cancel_task &&
                                 (s->cancel() || s->done() || s->cancel_running())))
                return;
            if (!d->end(ending::abandoned))
                return;
            if (s->remove(*d))
                intrusive_ptr_release(d.get());
            if (auto* const calls = abandoned_calls::current();
                calls != nullptr && rule == on_cancel::cancel_task)
                calls->adopt(s);
            intrusive_ptr_add_ref(d.get());
            d->bring_home();
        });
    }
    intrusive_ptr_add_ref(d.get()); // the state's
    if (!state->add(*d))
        d->fire(*state);
}

} // namespace ferry::detail
