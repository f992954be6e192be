// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/operation.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <functional>
#include <list>

namespace ferry::detail {

/// `ex` where it is a strand, else a new strand over it.
boost::asio::any_io_executor serial_executor(const boost::asio::any_io_executor& ex);

/// Child coroutines on one strand, for a parent that waits until all have ended.
///
/// It is itself what the parent waits for: running until the last child has ended. A cancellation of
/// the parent reaches it as `request_stop` and is passed on to the children.
///
/// Invariant: after `launch`, everything but `live_`, `stopped_` and the outcome is touched on the
/// strand only.
class children : public shared_state<void> {
public:
    explicit children(const boost::asio::any_io_executor& parent);

    const boost::asio::any_io_executor& executor() const noexcept { return strand_; }
    /// True when the parent was cancelled from outside.
    bool stopped() const noexcept { return stopped_.load(); }

    /// Adds a child; `store(value)` and `failed(exception)` are called on the strand. Before
    /// `launch`, or on the strand.
    template <class T, class Store, class Failed>
    std::list<boost::asio::cancellation_signal>::iterator
    add(boost::asio::awaitable<T> a, Store store, Failed failed) {
        const auto signal = signals_.emplace(signals_.end());
        live_.fetch_add(1);
        waiting_.push_back([this, signal, body = std::make_shared<boost::asio::awaitable<void>>(
                                              child_body(std::move(a), std::move(store))),
                            failed = std::move(failed)]() mutable {
            boost::asio::co_spawn(
                strand_, std::move(*body),
                boost::asio::bind_cancellation_slot(
                    signal->slot(),
                    boost::asio::bind_executor(
                        strand_, [keep = boost::intrusive_ptr<children>(this), signal,
                                  failed = std::move(failed)](std::exception_ptr e) mutable {
                            keep->signals_.erase(signal);
                            if (e)
                                failed(std::move(e));
                            keep->one_ended();
                        })));
        });
        return signal;
    }

    /// Starts what was added.
    void launch();
    /// On the strand: signals every child but the given one.
    void cancel_children();
    /// From any thread.
    bool request_stop() noexcept override;
    /// One that `live_` counts has ended.
    void one_ended();
    /// For the parent, when all have ended: a handle may outlive the context.
    void let_go() noexcept { strand_ = {}; }
    /// Holds the end back, for what is no child.
    void hold() noexcept { live_.fetch_add(1); }

    /// Starts what was added since; on the strand.
    void start_waiting();

protected:
    bool cancelling() const noexcept { return cancelling_; }

private:
    template <class T, class Store>
    static boost::asio::awaitable<void> child_body(boost::asio::awaitable<T> a, Store store) {
        // Resetting the state forgets what came before the start.
        const auto before = co_await boost::asio::this_coro::cancellation_state;
        if (before.cancelled() != boost::asio::cancellation_type::none)
            throw cancelled_error();
        co_await boost::asio::this_coro::reset_cancellation_state(
            boost::asio::enable_total_cancellation());
        if constexpr (std::is_void_v<T>) {
            co_await std::move(a);
            store(std::monostate());
        } else {
            store(co_await std::move(a));
        }
    }

    boost::asio::any_io_executor strand_;
    std::list<boost::asio::cancellation_signal> signals_;
    std::list<std::function<void()>> waiting_;
    std::atomic<std::size_t> live_{1}; // one for the launch
    std::atomic<bool> stopped_{false};
    bool cancelling_ = false;
};

/// The error as a child's: a cancellation is a cancelled_error.
std::exception_ptr child_error(std::exception_ptr e);

/// Waits, on the parent's executor, until all children have ended.
inline auto all_ended(children& c, ending& how) {
    return until_done(c, on_cancel::cancel_task, how);
}

} // namespace ferry::detail
