// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "batch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>

namespace asio = boost::asio;

namespace fetcher {

asio::awaitable<void> batch::run(const options& settings) {
    const auto executor = co_await asio::this_coro::executor;
    constexpr auto never = asio::steady_timer::time_point::max();
    asio::steady_timer done(executor, never);
    if (settings.total_timeout)
        done.expires_after(*settings.total_timeout);
    done_ = &done;

    pending_ = settings.targets.size();
    for (const auto& each : settings.targets) {
        auto& signal = signals_.emplace_back();
        auto finished = [this](std::exception_ptr error, outcome result) {
            if (error)
                std::rethrow_exception(error);
            finish(std::move(result));
        };
        asio::co_spawn(executor, client_.fetch(each),
                       asio::bind_cancellation_slot(signal.slot(), std::move(finished)));
    }

    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    co_await done.async_wait(token);
    if (pending_ > 0)
        cancel_all();
    done.expires_at(never);
    while (pending_ > 0)
        co_await done.async_wait(token);
    done_ = nullptr;
}

void batch::interrupt() {
    interrupted_ = true;
    if (done_ != nullptr)
        done_->cancel();
}

void batch::finish(outcome result) {
    if (result.cancelled && !interrupted_)
        result.detail = "gave up: the total timeout expired";
    if (!(result.cancelled && interrupted_))
        report_.add(std::move(result));
    if (--pending_ == 0 && done_ != nullptr)
        done_->cancel();
}

void batch::cancel_all() {
    for (auto& signal : signals_)
        signal.emit(asio::cancellation_type::terminal);
}

} // namespace fetcher
