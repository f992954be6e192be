// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/children.hpp>

#include <ferry/thread_pool.hpp>

#include <boost/asio/thread_pool.hpp>

namespace ferry::detail {

boost::asio::any_io_executor serial_executor(const boost::asio::any_io_executor& ex) {
    namespace asio = boost::asio;
    if (ex.target<asio::strand<asio::any_io_executor>>() != nullptr ||
        ex.target<asio::strand<asio::io_context::executor_type>>() != nullptr ||
        ex.target<asio::strand<asio::thread_pool::executor_type>>() != nullptr ||
        ex.target<asio::strand<thread_pool::executor_type>>() != nullptr)
        return ex;
    return asio::make_strand(ex);
}

children::children(const boost::asio::any_io_executor& parent) : strand_(serial_executor(parent)) {
    static_cast<void>(try_start());
}

void children::launch() {
    boost::asio::post(strand_, [keep = boost::intrusive_ptr<children>(this)] {
        keep->start_waiting();
        keep->one_ended();
    });
}

void children::start_waiting() {
    while (!waiting_.empty()) {
        const auto start = std::move(waiting_.front());
        waiting_.pop_front();
        start();
    }
}

void children::one_ended() {
    start_waiting();
    if (live_.fetch_sub(1) == 1 && claim(true)) {
        store_result([] {});
        publish(status::value);
    }
}

void children::cancel_children() {
    cancelling_ = true;
    // A signalled child may end at once and take its signal with it.
    for (auto it = signals_.begin(); it != signals_.end();) {
        auto& signal = *it++;
        signal.emit(boost::asio::cancellation_type::terminal);
    }
}

bool children::request_stop() noexcept {
    stopped_.store(true);
    // The strand runs what is posted one by one, and who waits for abandoned calls lives until all
    // its children have ended, of which this one's parent is one.
    boost::asio::post(strand_, [keep = boost::intrusive_ptr<children>(this),
                                calls = abandoned_calls::current()] {
        const abandoned_calls::scope scope(calls);
        keep->cancel_children();
    });
    return true;
}

std::exception_ptr child_error(std::exception_ptr e) {
    return is_cancellation(e) ? make_error<cancelled_error>() : e;
}

} // namespace ferry::detail
