// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/waiter.hpp>

#include <vector>

namespace ferry {

/// When `wait` returns. A cancelled future is done, and is no exception.
enum class return_when { all_completed, first_completed, first_exception };

struct wait_options {
    /// No longer than that; absent: no limit.
    ferry::timeout timeout = {};
    ferry::return_when return_when = ferry::return_when::all_completed;
};

/// The futures given, each once, in the order given.
template <class T>
struct wait_result {
    std::vector<future<T>> done;
    std::vector<future<T>> not_done;
};

namespace detail {

/// Sets its event when enough states have completed.
class wait_waiter final : public waiter {
public:
    wait_waiter(std::vector<state_ptr> states, return_when rule)
        : waiter(std::move(states)), rule_(rule), left_(size()) {}

    /// Starts; the event comes at once where nothing is to be waited for.
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
waiter_owner<wait_waiter> make_wait_watch(R&& futures, const wait_options& options) {
    return waiter_owner<wait_waiter>(new wait_waiter(states_of(futures), options.return_when));
}

/// The same for an asynchronous wait, where what is wrong with the futures goes to `error`.
template <class R>
waiter_owner<wait_waiter> make_wait_watch(R&& futures, const wait_options& options,
                                        std::exception_ptr& error) {
    try {
        return make_wait_watch(futures, options);
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
            .push_back(detail_access::make<T>(static_cast<shared_state<T>*>(&s)));
    }
    return r;
}

template <class T>
boost::asio::awaitable<wait_result<T>>
await_all(waiter_owner<wait_waiter> w, std::optional<timeout::clock::time_point> deadline,
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

/// Waits for futures of any executors: any range of `future<T>`, `std::views::keys` of a map
/// included. Repetitions count once; an empty range returns at once; a time-out is no error.
/// Errors: `no_state_error` for an invalid handle; `would_deadlock` for a task that waits for
/// itself. Blocking: until the condition or the time-out; a pool's worker that waits without a limit
/// runs what has not started of its own pool's tasks.
/// Complexity: linear. Source: `concurrent.futures.wait`.
template <detail::range_of_futures R>
wait_result<detail::future_value_t<R>> wait(R&& futures, wait_options options = {}) {
    const detail::waiter_owner w = detail::make_wait_watch(futures, options);
    w->begin();
    w->wait(options.timeout);
    return detail::partition<detail::future_value_t<R>>(*w);
}

/// The same as an Asio initiating function: signature
/// `void(std::exception_ptr, wait_result<T>)`. Executor: the handler's associated one, else the
/// system executor. Completion: never inline. Cancellation: stops the waiting, `cancelled_error`.
/// Errors: through the token. Blocking: never.
template <detail::range_of_futures R, class Token>
auto async_wait(R&& futures, wait_options options, Token&& token) {
    using T = detail::future_value_t<R>;
    std::exception_ptr wrong;
    auto w = detail::make_wait_watch(futures, options, wrong);
    return boost::asio::async_initiate<Token, void(std::exception_ptr, wait_result<T>)>(
        [](auto handler, detail::waiter_owner<detail::wait_waiter> w, timeout limit,
           std::exception_ptr wrong) {
            const auto ex =
                boost::asio::get_associated_executor(handler, boost::asio::system_executor());
            const boost::intrusive_ptr<detail::wait_waiter> started(&*w);
            if (const auto at = limit.deadline())
                w->enough->expire_at(*at);
            detail::complete_when_done(
                *started->enough, ex,
                detail::ending_handler(
                    std::move(handler),
                    [waiter = std::move(w), wrong = std::move(wrong)](auto&& h, detail::wait_status) {
                        wait_result<T> result;
                        auto error = wrong ? wrong : detail::error_from([&]() -> std::exception_ptr {
                            if (waiter->enough->current() == detail::status::cancelled)
                                return detail::make_error<cancelled_error>(
                                    "waiting for futures was cancelled");
                            result = detail::partition<T>(*waiter);
                            return nullptr;
                        });
                        std::move(h)(std::move(error), std::move(result));
                    }),
                detail::cancel_mode::cancel_task);
            started->begin();
        },
        token, std::move(w), options.timeout, std::move(wrong));
}

/// The same for `co_await`, on the coroutine's own executor. The time-out runs from the call.
template <detail::range_of_futures R>
boost::asio::awaitable<wait_result<detail::future_value_t<R>>> async_wait(R&& futures,
                                                                         wait_options options = {}) {
    std::exception_ptr wrong;
    auto w = detail::make_wait_watch(futures, options, wrong);
    return detail::await_all<detail::future_value_t<R>>(
        std::move(w), options.timeout.deadline(), std::move(wrong));
}

} // namespace ferry
