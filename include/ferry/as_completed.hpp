// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/waiter.hpp>

#include <deque>
#include <iterator>
#include <optional>

namespace ferry {
namespace detail {

/// A request for the next completion; its value is that state, null at the end.
using next_waiter = timed_state<state_ptr>;

/// Hands out states in the order of their completion.
///
/// A completing thread pushes its node onto `arrived_`, a lock-free list, newest first; a null
/// pointer says that it is empty and `asleep` that a consumer found nothing there and wants to be
/// told. Consumers move it to the list that begins with `first_`, under `mutex_`.
class FERRY_DECL as_completed_waiter final : public waiter {
public:
    as_completed_waiter(std::vector<state_ptr> states, timeout limit)
        : waiter(std::move(states)), deadline_(limit.deadline()), left_(size()) {}

    /// The number of states that were not handed out yet.
    std::size_t left() const noexcept { return left_.load(std::memory_order_relaxed); }
    /// Returns the next one, null at the end. Throws timeout_error with the counts once; then the
    /// end.
    state_ptr next() FERRY_EXCLUDES(mutex_);
    /// Like `next`, for callers that must not block.
    boost::intrusive_ptr<next_waiter> request() FERRY_EXCLUDES(mutex_);
    /// The error of a failed request; ends the view if it is a timeout.
    std::exception_ptr failure(const next_waiter& r) FERRY_EXCLUDES(mutex_);
    /// Hands out nothing more, and stops watching.
    void stop() noexcept FERRY_EXCLUDES(mutex_);

private:
    void on_done(node& n) noexcept override;
    void serve() FERRY_EXCLUDES(mutex_);
    /// Moves arrived nodes to `first_`; if there are none, asks to be told and returns false.
    bool collect() FERRY_REQUIRES(mutex_);
    state_ptr pop() FERRY_REQUIRES(mutex_);
    timeout_error give_up() FERRY_EXCLUDES(mutex_);

    const std::optional<timeout::clock::time_point> deadline_;
    std::atomic<node*> arrived_{nullptr};

    adaptive_mutex mutex_;
    std::atomic<std::size_t> left_; // changed under the lock
    node* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    node* last_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::size_t helped_ FERRY_GUARDED_BY(mutex_) = 0; // looked at for helping
    std::deque<boost::intrusive_ptr<next_waiter>> requests_ FERRY_GUARDED_BY(mutex_);
};

using completion_source = waiter_owner<as_completed_waiter>;

template <class T>
future<T> typed(state_ptr s) noexcept {
    return detail::access::make<T>(boost::static_pointer_cast<shared_state<T>>(std::move(s)));
}

} // namespace detail

/// Futures in the order in which they finish or are cancelled; those that are done already come
/// first.
///
/// A single-pass input range. `*it` waits (and may throw) and moves the future out, so the view
/// keeps no yielded future alive; `++it` neither waits nor throws. The view is a handle: copies
/// draw from the same sequence.
///
/// @par Blocking
/// `*it` until a future is done or the timeout expires.
///
/// @par Errors
/// `*it` throws `timeout_error`, with the number of unfinished futures and of all, when the timeout
/// expires; the range is then at its end. It throws `would_deadlock` if the wait could never end.
///
/// @par Lifetime
/// The view may outlive the range of futures that it was made from.
///
/// @par Thread safety
/// Iterators: one thread. `async_next` may be used by several coroutines at once.
///
/// @par See also
/// Python's `concurrent.futures.as_completed`.
template <class T>
class as_completed_view : public std::ranges::view_base {
public:
    class iterator {
    public:
        using value_type = future<T>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        /// Waits for the next completed future and moves it out. Throws `timeout_error`, after
        /// which the range is at its end, and `would_deadlock`.
        future<T>&& operator*() const {
            for (; skipped_ != 0; --skipped_)
                static_cast<void>((*source_)->next());
            if (!read_)
                current_ = detail::typed<T>((*source_)->next());
            read_ = true;
            return std::move(current_);
        }
        iterator& operator++() noexcept {
            if (!read_)
                ++skipped_;
            read_ = false;
            current_ = {};
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) {
            return !i.read_ && (*i.source_)->left() <= i.skipped_;
        }

    private:
        friend class as_completed_view;
        explicit iterator(std::shared_ptr<detail::completion_source> s) : source_(std::move(s)) {}

        std::shared_ptr<detail::completion_source> source_;
        mutable future<T> current_;
        mutable bool read_ = false;
        mutable std::size_t skipped_ = 0;
    };

    iterator begin() const { return iterator(source_); }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// Waits for the next completed future; completes with an empty optional at the end. The
    /// completion signature is `void(std::exception_ptr, std::optional<future<T>>)`; the handler is
    /// never called from this function. Several operations may be outstanding at once.
    ///
    /// @par Executor
    /// The handler's associated executor, or the system executor if there is none.
    ///
    /// @par Cancellation
    /// All types: completes with `cancelled_error`. A cancelled operation consumes no future, and
    /// the futures are not affected. The cancellation signal must be emitted on the handler's
    /// executor.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// `timeout_error`, as for the iterator, passed to the handler.
    ///
    /// @par Lifetime
    /// The operation keeps the sequence; the view may be destroyed meanwhile.
    template <class Token>
    auto async_next(Token&& token) const {
        return boost::asio::async_initiate<Token,
                                           void(std::exception_ptr, std::optional<future<T>>)>(
            [](auto handler, const std::shared_ptr<detail::completion_source>& source) {
                const auto ex =
                    boost::asio::get_associated_executor(handler, boost::asio::system_executor());
                auto r = (*source)->request();
                detail::complete_when_done(
                    *r, ex, std::move(handler),
                    [r, source](auto&& h, detail::wait_status) {
                        auto error = detail::error_from([&] { return (*source)->failure(*r); });
                        std::optional<future<T>> f;
                        if (!error && r->value() != nullptr)
                            f = detail::typed<T>(std::move(r->value()));
                        std::forward<decltype(h)>(h)(std::move(error), std::move(f));
                    },
                    detail::cancel_mode::cancel_task);
            },
            token, source_);
    }
    /// Returns an awaitable for the next completed future, or an empty optional at the end. The
    /// coroutine resumes on its own executor; errors are thrown. Otherwise as the overload with a
    /// completion token.
    boost::asio::awaitable<std::optional<future<T>>> async_next() const { return next(source_); }

private:
    friend struct detail::access;
    explicit as_completed_view(std::shared_ptr<detail::completion_source> source)
        : source_(std::move(source)) {}

    static boost::asio::awaitable<std::optional<future<T>>>
    next(std::shared_ptr<detail::completion_source> source) {
        auto r = (*source)->request();
        detail::wait_status end{};
        co_await detail::until_done(*r, detail::cancel_mode::cancel_task, end);
        if (auto error = (*source)->failure(*r))
            std::rethrow_exception(std::move(error));
        if (r->value() == nullptr)
            co_return std::nullopt;
        co_return detail::typed<T>(std::move(r->value()));
    }

    std::shared_ptr<detail::completion_source> source_;
};

/// Returns a view of the futures in the order of their completion.
///
/// Accepts any range of `future<T>`, from any mix of executors. Duplicates are yielded once. The
/// timeout starts with the call.
///
/// @par Blocking
/// Never; the view waits.
///
/// @par Errors
/// `no_state_error` for an invalid handle.
///
/// @par Exception safety
/// Strong.
///
/// @par Lifetime
/// The futures are copied; the range may be destroyed at once.
///
/// @par Complexity
/// Constant for each future, however many there are.
///
/// @par Example
/// @code
/// for (ferry::future<int> done : ferry::as_completed(futures, 10s)) // or timeout_error
///     sum += done.result();
/// @endcode
///
/// @par See also
/// Python's `concurrent.futures.as_completed`; `wait`.
template <range_of_futures R>
as_completed_view<future_value_t<R>> as_completed(R&& futures, timeout limit = {}) {
    boost::intrusive_ptr<detail::as_completed_waiter> waiter(
        new detail::as_completed_waiter(detail::states_of(futures), limit));
    auto source = std::make_shared<detail::completion_source>(std::move(waiter));
    (*source)->start();
    return detail::access::make_view<as_completed_view<future_value_t<R>>>(std::move(source));
}

} // namespace ferry
