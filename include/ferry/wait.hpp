// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/waiter.hpp>

#include <vector>

namespace ferry {

/// Selects when `wait` returns. A cancelled future counts as done but not as having failed.
enum class return_when { all_completed, first_completed, first_exception };

/// Options for `wait` and `async_wait`.
struct wait_options {
    /// Maximum time to wait; by default there is no limit.
    ferry::timeout timeout = {};

    /// Condition for returning before the timeout. Default: all futures are done.
    ferry::return_when return_when = ferry::return_when::all_completed;
};

/// The given futures without duplicates, in their original order.
template <class T>
struct wait_result {
    /// Futures that have a value or an exception, or were cancelled.
    std::vector<future<T>> done;

    /// Futures that are pending or running.
    std::vector<future<T>> not_done;
};

namespace detail {

/// Sets its event when enough states have completed.
class FERRY_DECL wait_waiter final : public waiter {
public:
    wait_waiter(std::vector<state_ptr> states, return_when rule)
        : waiter(std::move(states)), rule_(rule), left_(size()) {}

    /// Starts; the event is set at once if there is nothing to wait for.
    void begin();
    /// Waits, after running here what this worker may run. Errors: would_deadlock.
    void wait(timeout limit);

    const boost::intrusive_ptr<timed_state<void>> enough{new timed_state<void>};

private:
    void on_done(node& n) noexcept override;
    void set() noexcept;

    const return_when rule_;
    std::atomic<std::size_t> left_;
};

template <class R>
waiter_owner<wait_waiter> make_wait_waiter(R&& futures, const wait_options& options) {
    return waiter_owner<wait_waiter>(new wait_waiter(states_of(futures), options.return_when));
}

/// For an asynchronous wait: an invalid handle is reported through `error`.
template <class R>
waiter_owner<wait_waiter> make_wait_waiter(R&& futures, const wait_options& options,
                                           std::exception_ptr& error) {
    try {
        return make_wait_waiter(futures, options);
    } catch (const no_state_error&) {
        error = std::current_exception();
        return waiter_owner<wait_waiter>(new wait_waiter({}, options.return_when));
    }
}

template <class T>
wait_result<T> partition(const waiter& w) {
    wait_result<T> r;
    for (std::size_t i = 0; i < w.size(); ++i) {
        shared_state_base& s = w.state(i);
        (s.done() ? r.done : r.not_done)
            .push_back(detail::access::make<T>(static_cast<shared_state<T>*>(&s)));
    }
    return r;
}

template <class T>
boost::asio::awaitable<wait_result<T>> await_all(waiter_owner<wait_waiter> w,
                                                 std::optional<timeout::clock::time_point> deadline,
                                                 std::exception_ptr error) {
    if (error)
        std::rethrow_exception(std::move(error));
    if (deadline)
        w->enough->expire_at(*deadline);
    w->begin();
    wait_status how{};
    co_await until_done(*w->enough, cancel_mode::cancel_task, how);
    if (w->enough->current() == status::cancelled)
        throw cancelled_error("waiting for futures was cancelled");
    co_return partition<T>(*w);
}

} // namespace detail

/// Waits for futures until all are done, the first is done, or the first has failed.
///
/// Accepts any range of `future<T>`, from any mix of executors, `std::views::keys` of a map
/// included. Duplicates are ignored. An empty range returns immediately. A timeout is not an error:
/// the unfinished futures are in `not_done`.
///
/// @par Blocking
/// Until the condition holds or the timeout expires. A worker that waits without a limit runs tasks
/// of its own pool that have not started.
///
/// @par Errors
/// `no_state_error` for an invalid handle; `would_deadlock` for a task that waits for itself.
///
/// @par Exception safety
/// Strong; the futures are not affected.
///
/// @par Complexity
/// Linear in the number of futures.
///
/// @par Example
/// @code
/// auto [done, not_done] = ferry::wait(futures, {.timeout = 1s});
/// for (const ferry::future<int>& late : not_done)
///     late.cancel();
/// @endcode
///
/// @par See also
/// Python's `concurrent.futures.wait`; `as_completed`.
template <range_of_futures R>
wait_result<future_value_t<R>> wait(R&& futures, wait_options options = {}) {
    const detail::waiter_owner w = detail::make_wait_waiter(futures, options);
    w->begin();
    w->wait(options.timeout);
    return detail::partition<future_value_t<R>>(*w);
}

/// Initiates an asynchronous `wait`. The completion signature is `void(std::exception_ptr,
/// wait_result<T>)`; the handler is never called from this function.
///
/// @par Executor
/// The handler's associated executor, or the system executor if there is none.
///
/// @par Cancellation
/// All types: completes with `cancelled_error`; the futures are not affected. The cancellation
/// signal must be emitted on the handler's executor.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `no_state_error` for an invalid handle, passed to the handler. A timeout is not an error.
///
/// @par Lifetime
/// The futures are copied; the range may be destroyed at once.
template <range_of_futures R, class Token>
auto async_wait(R&& futures, wait_options options, Token&& token) {
    using T = future_value_t<R>;
    std::exception_ptr wrong;
    auto w = detail::make_wait_waiter(futures, options, wrong);
    return boost::asio::async_initiate<Token, void(std::exception_ptr, wait_result<T>)>(
        [](auto handler, detail::waiter_owner<detail::wait_waiter> w, timeout limit,
           std::exception_ptr wrong) {
            const auto ex =
                boost::asio::get_associated_executor(handler, boost::asio::system_executor());
            const boost::intrusive_ptr<detail::wait_waiter> started(&*w);
            if (const auto at = limit.deadline())
                w->enough->expire_at(*at);
            w->begin(); // first, since the handler may end the wait before this returns
            detail::complete_when_done(
                *started->enough, ex, std::move(handler),
                [waiter = std::move(w), wrong = std::move(wrong)](auto&& h, detail::wait_status) {
                    wait_result<T> result;
                    auto error = wrong ? wrong : detail::error_from([&]() -> std::exception_ptr {
                        if (waiter->enough->current() == detail::status::cancelled)
                            return detail::make_error<cancelled_error>(
                                "waiting for futures was cancelled");
                        result = detail::partition<T>(*waiter);
                        return nullptr;
                    });
                    std::forward<decltype(h)>(h)(std::move(error), std::move(result));
                },
                detail::cancel_mode::cancel_task);
        },
        token, std::move(w), options.timeout, std::move(wrong));
}

/// Returns an awaitable for the result of a `wait`. The timeout starts with the call. The coroutine
/// resumes on its own executor; errors are thrown. Otherwise as the overload with a completion
/// token.
template <range_of_futures R>
boost::asio::awaitable<wait_result<future_value_t<R>>> async_wait(R&& futures,
                                                                  wait_options options = {}) {
    std::exception_ptr wrong;
    auto w = detail::make_wait_waiter(futures, options, wrong);
    return detail::await_all<future_value_t<R>>(std::move(w), options.timeout.deadline(),
                                                std::move(wrong));
}

} // namespace ferry
