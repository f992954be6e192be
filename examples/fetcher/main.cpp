// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Fetches JSON from many URLs at a time with libcurl's blocking interface: Ferry carries each
// transfer to a worker thread, so that the program itself is a handful of coroutines.

#include "batch.hpp"
#include "client.hpp"
#include "demo_server.hpp"
#include "options.hpp"
#include "report.hpp"
#include "transfer.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

namespace asio = boost::asio;

namespace {

enum exit_code { succeeded = 0, failed = 1, usage = 2, interrupted = 130 };

/// Replaces what to fetch by the items of `server`, and sets times in which a demo is interesting.
void aim_at(const fetcher::demo_server& server, fetcher::options& settings) {
    settings.targets = fetcher::parse_targets("1-" + std::to_string(fetcher::demo_server::items),
                                              server.base_url());
    settings.timeout = std::chrono::milliseconds(1000);
    settings.backoff = std::chrono::milliseconds(150);
    settings.retries = 2;
    settings.direct = true;
}

/// Says whether the outcomes are what the server was told to give.
int verdict(const fetcher::demo_server& server, const fetcher::report& told, unsigned retries) {
    const auto deviations = server.deviations(told.outcomes(), retries);
    for (const auto& each : deviations)
        std::cout << "demo: " << each << '\n';
    std::cout << (deviations.empty()
                      ? "demo: every outcome is the one the server was told to give"
                      : "demo: the outcomes differ from what the server was told to give")
              << std::endl;
    return deviations.empty() ? succeeded : failed;
}

int run(fetcher::options settings) {
    asio::io_context context(1);
    std::optional<fetcher::demo_server> server;
    if (settings.demo) {
        server.emplace(context);
        aim_at(*server, settings);
    }

    ferry::thread_pool pool(ferry::thread_pool_options{.max_workers = settings.jobs,
                                                       .thread_name_prefix = "fetch"});
    fetcher::client client(pool, settings);
    fetcher::report report(std::cout, settings.targets.size());
    fetcher::batch batch(client, report);

    asio::signal_set signals(context, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int) {
        if (error)
            return;
        signals.clear(); // a second Ctrl-C ends the program at once
        batch.interrupt();
    });
    asio::co_spawn(context, batch.run(settings), [&](std::exception_ptr error) {
        context.stop();
        if (error)
            std::rethrow_exception(error);
    });
    context.run();

    report.summary();
    if (batch.interrupted()) {
        std::cout << "interrupted" << std::endl;
        return interrupted;
    }
    if (server)
        return verdict(*server, report, settings.retries);
    return report.all_succeeded() ? succeeded : failed;
}

} // namespace

int main(int argc, char** argv) {
    try {
        auto settings = fetcher::parse_options(argc, argv);
        if (!settings)
            return succeeded;
        const fetcher::curl_library curl;
        return run(std::move(*settings));
    } catch (const fetcher::usage_error& e) {
        std::cerr << "fetcher: " << e.what() << '\n';
        return usage;
    } catch (const std::exception& e) {
        std::cerr << "fetcher: " << e.what() << '\n';
        return failed;
    }
}
