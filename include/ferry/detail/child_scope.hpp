// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/context_executor.hpp>
#include <ferry/detail/future_op.hpp>
#include <ferry/detail/start_uncancelled.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp> // for those who rely on it

#include <list>
#include <memory>

namespace ferry::detail {

/// `ex` where it is a strand, else a new strand over it.
FERRY_DECL boost::asio::any_io_executor serial_executor(const boost::asio::any_io_executor& ex);

class child_scope;

/// One child coroutine, from `add` until it has ended.
class FERRY_DECL child_coroutine {
public:
    explicit child_coroutine(boost::asio::awaitable<void> body) noexcept : body_(std::move(body)) {}
    child_coroutine(const child_coroutine&) = delete;
    child_coroutine& operator=(const child_coroutine&) = delete;
    virtual ~child_coroutine() = default;

protected:
    context_ptr context_; // that it sees
    wait_node node_;

private:
    friend class child_scope;
    /// Tells of the exception that it ended with.
    virtual void failed(std::exception_ptr e) = 0;

    boost::asio::awaitable<void> body_;
    boost::asio::cancellation_signal signal_;
    std::list<std::shared_ptr<child_coroutine>>::iterator
        place_;              // in the list of those that have started
    bool suspended_ = false; // at least once
    bool ended_ = false;
    bool lost_early_ = false;                 // destroyed before its first suspension
    bool cancelled_early_ = false;            // the signal waits for the first suspension
    abandoned_call_owner* adopter_ = nullptr; // of what that cancellation leaves running
};

/// Child coroutines on one strand, for a parent that waits until all have ended.
///
/// It is itself what the parent waits for: running until the last child has ended. A cancellation
/// of the parent reaches it as `request_stop` and is passed on to the children.
///
/// Invariants: after `launch`, everything but `live_`, `stopped_` and the outcome is touched on the
/// strand only. A child is signalled only after its first suspension, since `co_spawn` loses a
/// coroutine that was cancelled and ends before that. While a signal is emitted nothing leaves
/// `started_`: any child may end inside of it.
class FERRY_DECL child_scope : public shared_state<void> {
public:
    child_scope(const boost::asio::any_io_executor& parent, wait_kind kind);

    const boost::asio::any_io_executor& executor() const noexcept { return strand_; }
    /// True when the parent was cancelled from outside.
    bool stopped() const noexcept { return stopped_.load(); }

    /// Adds a child, which sees the context of the caller; `store(value)` and `failed(exception)`
    /// are called on the strand. Before `launch`, or on the strand.
    template <class T, class Store, class Failed>
    std::shared_ptr<child_coroutine> add(boost::asio::awaitable<T> a, Store store, Failed failed) {
        return add(std::move(a), std::move(store), std::move(failed), capture_context());
    }
    /// Adds a child that sees that context.
    template <class T, class Store, class Failed>
    std::shared_ptr<child_coroutine> add(boost::asio::awaitable<T> a, Store store, Failed failed,
                                         context_ptr context) {
        auto c = std::make_shared<child_of<Failed>>(child_body(std::move(a), std::move(store)),
                                                    std::move(failed));
        c->context_ = std::move(context);
        c->node_ = wait_node(wait_kind::child, node_.number(), nullptr);
        waiting_.push_back(c);
        live_.fetch_add(1);
        return c;
    }

    /// Starts what was added.
    void launch();
    /// On the strand: signals every child.
    void cancel_children();
    /// On the strand: signals one that was added, which the caller keeps, unless it has ended.
    void cancel_child(child_coroutine& c);
    /// From any thread.
    bool request_stop() noexcept override;
    /// One that `live_` counts has ended.
    void one_ended();
    /// For the parent, when all have ended: a handle may outlive the context.
    void let_go() noexcept { strand_ = {}; }
    /// Holds the end back, for what is no child.
    void hold() noexcept {
        FERRY_ASSERT(live_.load() != 0); // the end has not come yet
        live_.fetch_add(1);
    }

    /// Starts what was added since; on the strand.
    void start_waiting();

protected:
    bool cancelling() const noexcept { return cancelling_; }
    /// How many are counted by `live_`.
    std::size_t unfinished() const noexcept { return live_.load(); }
    /// Called on the strand when the first children have started.
    virtual void launched() {}

private:
    class at_end;

    template <class Failed>
    class child_of final : public child_coroutine {
    public:
        child_of(boost::asio::awaitable<void> body, Failed failed)
            : child_coroutine(std::move(body)), failed_(std::move(failed)) {}

    private:
        void failed(std::exception_ptr e) override { failed_(std::move(e)); }

        Failed failed_;
    };

    template <class T, class Store>
    static boost::asio::awaitable<void> child_body(boost::asio::awaitable<T> a, Store store) {
        co_await start_uncancelled();
        if constexpr (std::is_void_v<T>) {
            co_await std::move(a);
            store(std::monostate());
        } else {
            store(co_await std::move(a));
        }
    }

    class emission;

    /// Hands a child over to Asio.
    void spawn(std::shared_ptr<child_coroutine> c);
    void emit(child_coroutine& c);
    /// A child has ended; on the strand.
    void ended(child_coroutine& c, std::exception_ptr e);
    /// A child's coroutine was destroyed: with its context, or by an exception inside of Asio.
    void lost(std::shared_ptr<child_coroutine> c) noexcept;

    boost::asio::any_io_executor strand_;
    std::list<std::shared_ptr<child_coroutine>> waiting_;
    std::list<std::shared_ptr<child_coroutine>> started_;
    std::size_t emitting_ = 0;
    std::atomic<std::size_t> live_{1}; // one for the launch
    std::atomic<bool> stopped_{false};
    bool cancelling_ = false;
    const wait_node node_;
};

/// The error as a child's: a cancellation is a cancelled_error.
FERRY_DECL std::exception_ptr child_error(const std::exception_ptr& e) noexcept;

/// Waits, on the parent's executor, until all children have ended.
inline auto all_ended(child_scope& c, wait_status& how) {
    return until_done(c, cancel_mode::cancel_task, how);
}
/// Throws where the parent is to go on before them, since there was no memory to cancel them.
inline void check_ended(wait_status how) {
    if (how == wait_status::abandoned)
        throw cancelled_error("the wait was cancelled; its coroutines could not be");
}

} // namespace ferry::detail
