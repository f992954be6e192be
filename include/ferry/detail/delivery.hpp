// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace ferry::detail {

/// A handler of some context that waits for an outcome from elsewhere.
class delivery {
public:
    virtual ~delivery() = default;
    /// Posts the handler to its executor.
    virtual void post() = 0;
    /// Destroys the handler unrun.
    virtual void drop() noexcept = 0;
};

/// The deliveries of one execution context that are still under way.
///
/// Invariants: `waiting` shares ownership of its deliveries, whose outcome may come while they are
/// dropped; a delivery is finished or dropped by whoever removes it.
/// `posting` counts threads that removed one and post to the context, so it cannot be destroyed
/// under them.
struct delivery_registry {
    std::mutex mutex;
    std::condition_variable idle;
    std::unordered_map<delivery*, std::shared_ptr<delivery>> waiting; // guarded by mutex
    std::size_t posting = 0;               // guarded by mutex
    bool closed = false;                   // guarded by mutex

    /// Posts the handler if nobody was first. Sets `*abandoned`, where given, before it does.
    void finish(delivery& d, bool* abandoned);
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
    void shutdown() override;
};

template <class Handler>
class handler_delivery final : public delivery {
public:
    explicit handler_delivery(Handler&& h, boost::asio::any_io_executor ex)
        : handler_(std::move(h)),
          executor_(boost::asio::prefer(std::move(ex),
                                        boost::asio::execution::outstanding_work.tracked)) {}

    void post() override {
        auto ex = std::move(executor_);
        boost::asio::post(ex, [h = std::move(*handler_)]() mutable { std::move(h)(); });
        handler_.reset();
    }
    void drop() noexcept override {
        handler_.reset();
        executor_ = {};
    }

private:
    std::optional<Handler> handler_;
    boost::asio::any_io_executor executor_;
};

/// Delivers a void() handler when `state` is done, or when the handler's slot cancels: what has not
/// started is cancelled, what takes a stop token is asked and waited for, anything else is given up
/// (`abandoned` becomes true). `ex` is the handler's executor.
template <class Handler>
void deliver_when_done(boost::intrusive_ptr<shared_state_base> state, bool* abandoned,
                       boost::asio::any_io_executor ex, Handler handler) {
    struct link final : continuation {
        link(std::shared_ptr<delivery_registry> r, std::shared_ptr<delivery> d)
            : continuation(false), registry(std::move(r)), target(std::move(d)) {}
        void fire(shared_state_base&) override {
            registry->finish(*target, nullptr);
            delete this;
        }
        void destroy() noexcept override { delete this; }
        std::shared_ptr<delivery_registry> registry;
        std::shared_ptr<delivery> target;
    };

    auto& context = boost::asio::query(ex, boost::asio::execution::context);
    auto registry = boost::asio::use_service<delivery_service>(context).registry;
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    auto d = std::make_shared<handler_delivery<Handler>>(std::move(handler), std::move(ex));
    {
        const std::lock_guard lock(registry->mutex);
        registry->waiting.emplace(d.get(), d);
    }
    if (slot.is_connected()) {
        slot.assign([state, abandoned, d, registry](boost::asio::cancellation_type) {
            if (state->cancel() || state->done() || state->request_stop())
                return;
            registry->finish(*d, abandoned);
        });
    }
    auto l = std::make_unique<link>(registry, d);
    if (state->add(*l))
        static_cast<void>(l.release());
    else
        l.release()->fire(*state);
}

} // namespace ferry::detail
