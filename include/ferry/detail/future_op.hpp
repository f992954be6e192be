// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/future.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

namespace ferry::detail {

class future_op_base;

/// The operations that Ferry started on one execution context and that have not ended.
/// Invariant: what is in the list has not ended; while it is not closed, the context lives.
///
/// It is no `wait_op_registry`, which owns handlers that wait, gives their context work, brings
/// completions to it and drops them when it ends. This one owns nothing: it knows what `run` has to
/// cancel and await, and keeps cancellation signals from contexts that are gone. An operation is in
/// both while its future is awaited, with another life in each.
class FERRY_DECL future_op_registry {
public:
    void add(future_op_base& op) FERRY_EXCLUDES(mutex_);
    void remove(future_op_base& op) noexcept FERRY_EXCLUDES(mutex_);
    /// Posts the emission of a cancellation signal to the operation's executor.
    void emit(future_op_base& op) noexcept FERRY_EXCLUDES(mutex_);
    /// Cancels every future whose operation has not ended; what such an operation throws from now
    /// on is reported to the unhandled hook.
    void cancel_all() FERRY_EXCLUDES(mutex_);
    bool empty() FERRY_EXCLUDES(mutex_);
    bool closing() FERRY_EXCLUDES(mutex_);
    /// True where one thread only runs the context: that of `run`.
    std::atomic<bool> one_thread{false};
    /// The context is about to be destroyed.
    void close() noexcept FERRY_EXCLUDES(mutex_);

private:
    adaptive_mutex mutex_;
    future_op_base* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    bool closing_ FERRY_GUARDED_BY(mutex_) = false;
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
};

class FERRY_DECL future_op_service : public boost::asio::execution_context::service {
public:
    using key_type = future_op_service;
    static boost::asio::execution_context::id id;

    explicit future_op_service(boost::asio::execution_context& context)
        : service(context), registry(std::make_shared<future_op_registry>()) {}

    const std::shared_ptr<future_op_registry> registry;

private:
    void shutdown() override { registry->close(); }
};

/// An asynchronous operation behind a future. Until it ends the future is pending; cancelling the
/// future also signals the operation, on its executor.
class FERRY_DECL future_op_base {
public:
    future_op_base(const future_op_base&) = delete;
    future_op_base& operator=(const future_op_base&) = delete;

    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

protected:
    explicit future_op_base(const boost::asio::any_io_executor& ex);
    virtual ~future_op_base();

    /// The operation has ended, or never will.
    void ended() noexcept;
    void emit() noexcept { registry_->emit(*this); }
    /// An error that nobody can get any more.
    void drop_error(const std::exception_ptr& error) noexcept;

private:
    friend class future_op_registry;
    /// Keeps the operation; for the registry.
    virtual boost::intrusive_ptr<shared_state_base> self() noexcept = 0;

    const std::shared_ptr<future_op_registry> registry_;
    std::optional<boost::asio::any_io_executor> executor_; // guarded by the registry's mutex
    boost::asio::cancellation_signal signal_;              // used on the executor only
    future_op_base* next_ = nullptr;                       // guarded by the registry's mutex
    future_op_base* prev_ = nullptr;
};

template <class T>
class future_op final : public shared_state<T>, public future_op_base {
public:
    explicit future_op(const boost::asio::any_io_executor& ex) : future_op_base(ex) {}

    /// Ends it with a value, made by `make`.
    template <class F>
    void succeed(F&& make) {
        ended();
        if (!this->claim(false))
            return;
        try {
            this->store_result(std::forward<F>(make));
        } catch (...) {
            this->fail_claimed(std::current_exception());
            return;
        }
        this->publish(status::value);
    }
    /// Ends it with an error; a cancellation makes the future cancelled.
    void fail_with(std::exception_ptr error) {
        ended();
        const bool aborted = is_cancellation(error);
        if (!this->claim(false)) {
            if (!aborted)
                drop_error(error);
        } else if (aborted) {
            this->publish(status::cancelled);
        } else {
            this->fail_claimed(std::move(error));
        }
    }

private:
    void destroy_callable() noexcept override { emit(); }
    boost::intrusive_ptr<shared_state_base> self() noexcept override { return this; }
};

} // namespace ferry::detail
