// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <exception>
#include <functional>

namespace asio = boost::asio;

namespace fetcher {

int run_to_end(asio::io_context& context, engine& fetching) {
    asio::signal_set signals(context, SIGINT, SIGTERM);
    std::function<void()> listen = [&] {
        signals.async_wait([&](boost::system::error_code error, int signal) {
            if (error)
                return;
            fetching.interrupt(signal);
            listen();
        });
    };
    listen();
    asio::co_spawn(context, fetching.run(), [&](std::exception_ptr error) {
        context.stop();
        if (error)
            std::rethrow_exception(error);
    });
    context.run();
    return fetching.exit_code();
}

} // namespace fetcher
