// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/waiter.hpp>

#include <deque>
#include <iterator>
#include <optional>

namespace ferry {
namespace detail {

/// One who waits for the next completion; its value is that state, null at the end.
using next_waiter = timed_state<state_ptr>;

/// Hands out states in the order of their completion.
///
/// A completing thread pushes its node onto `arrived_`, a lock-free list, newest first; a null
/// pointer says that it is empty and `asleep` that a consumer looked there in vain and wants to be
/// told. Consumers move it to `ready_` under `mutex_`.
class as_completed_waiter final : public waiter {
public:
    as_completed_waiter(std::vector<state_ptr> states, timeout limit)
        : waiter(std::move(states)), deadline_(limit.deadline()), left_(size()) {}

    /// Not handed out yet.
    std::size_t left() FERRY_EXCLUDES(mutex_);
    /// The next one, null at the end. Errors: timeout_error with the counts, once; then the end.
    state_ptr next() FERRY_EXCLUDES(mutex_);
    /// The same for who must not block.
    boost::intrusive_ptr<next_waiter> request() FERRY_EXCLUDES(mutex_);
    /// What a failed request's error is; ends the view where it is a time-out.
    std::exception_ptr failure(const next_waiter& r) FERRY_EXCLUDES(mutex_);
    /// Hands nothing out any more, and stops watching.
    void stop() noexcept FERRY_EXCLUDES(mutex_);

private:
    void on_done(node& n) noexcept override;
    void serve() FERRY_EXCLUDES(mutex_);
    /// Moves what arrived to `ready_`; false where nothing did, and then asks to be told.
    bool collect() FERRY_REQUIRES(mutex_);
    state_ptr pop() FERRY_REQUIRES(mutex_);
    timeout_error give_up() FERRY_EXCLUDES(mutex_);

    const std::optional<timeout::clock::time_point> deadline_;
    std::atomic<node*> arrived_{nullptr};

    adaptive_mutex mutex_;
    node* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    node* last_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::size_t left_ FERRY_GUARDED_BY(mutex_);
    std::size_t helped_ FERRY_GUARDED_BY(mutex_) = 0;   // looked at for helping
    std::deque<boost::intrusive_ptr<next_waiter>> requests_ FERRY_GUARDED_BY(mutex_);
};

using completion_source = waiter_owner<as_completed_waiter>;

template <class T>
future<T> typed(state_ptr s) noexcept {
    return detail_access::make<T>(
        boost::static_pointer_cast<shared_state<T>>(std::move(s)));
}

} // namespace detail

/// Futures in the order in which they finish or are cancelled; those that were done at the call come
/// first. An input range: `*` waits, throws and hands the future over, so nothing that was yielded
/// is kept; `++` does neither. A handle to one shared source: copies take turns.
/// Thread safety: the asynchronous form is safe from several coroutines; iterators are for one
/// thread. Source: `concurrent.futures.as_completed`.
template <class T>
class as_completed_view : public std::ranges::view_base {
public:
    class iterator {
    public:
        using value_type = future<T>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        /// Waits for the next one. Errors: `timeout_error` with the numbers of unfinished and of
        /// all; then the range is at its end. `would_deadlock`.
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

    explicit as_completed_view(std::shared_ptr<detail::completion_source> source)
        : source_(std::move(source)) {}

    iterator begin() const { return iterator(source_); }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// The next one, or nothing at the end: signature
    /// `void(std::exception_ptr, std::optional<future<T>>)`. Several may wait at once; leaving and
    /// resuming loses nothing. Executor: the handler's associated one, else the system executor.
    /// Completion: never inline. Errors: `timeout_error`. Cancellation: stops this waiting only.
    /// Blocking: never. Lifetime: keeps the source.
    template <class Token>
    auto async_next(Token&& token) const {
        return boost::asio::async_initiate<Token, void(std::exception_ptr,
                                                       std::optional<future<T>>)>(
            [](auto handler, std::shared_ptr<detail::completion_source> source) {
                const auto ex =
                    boost::asio::get_associated_executor(handler, boost::asio::system_executor());
                auto r = (*source)->request();
                detail::complete_when_done(
                    *r, ex,
                    detail::ending_handler(std::move(handler),
                                           [r, source](auto&& h, detail::wait_status) {
                                               auto error = detail::error_from(
                                                   [&] { return (*source)->failure(*r); });
                                               std::optional<future<T>> f;
                                               if (!error && r->value() != nullptr)
                                                   f = detail::typed<T>(std::move(r->value()));
                                               std::move(h)(std::move(error), std::move(f));
                                           }),
                    detail::cancel_mode::cancel_task);
            },
            token, source_);
    }
    /// The same for `co_await`, on the coroutine's own executor.
    boost::asio::awaitable<std::optional<future<T>>> async_next() const { return next(source_); }

private:
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

/// Takes any range of `future<T>`, from any executors; repetitions count once. The time-out runs from
/// the call. Complexity: constant for each future, whatever their number.
/// Errors: `no_state_error` for an invalid handle.
template <detail::range_of_futures R>
as_completed_view<detail::future_value_t<R>> as_completed(R&& futures, timeout limit = {}) {
    boost::intrusive_ptr<detail::as_completed_waiter> waiter(
        new detail::as_completed_waiter(detail::states_of(futures), limit));
    auto source = std::make_shared<detail::completion_source>(std::move(waiter));
    (*source)->start();
    return as_completed_view<detail::future_value_t<R>>(std::move(source));
}

} // namespace ferry
