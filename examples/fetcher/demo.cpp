// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "demo.hpp"

#include "demo_server.hpp"
#include "engine.hpp"
#include "run.hpp"

#include <boost/asio/io_context.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace asio = boost::asio;

namespace fetcher {
namespace {

/// A directory that is gone afterwards.
class temporary_directory {
public:
    temporary_directory() {
        std::string name =
            (std::filesystem::temp_directory_path() / "fetcher-demo.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("cannot make a temporary directory");
        path_ = name;
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// Times in which a demonstration is interesting.
void set_times(options& settings) {
    using std::chrono::milliseconds;
    settings.request.timeout = milliseconds(1000);
    settings.retry.backoff = milliseconds(300);
    settings.lanes.breaker = 4;
    settings.lanes.breaker_reset = milliseconds(500);
    settings.request.curl.push_back({CURLOPT_PROXY, std::string()});
}

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

int run_demo(options settings) {
    asio::io_context context(1);
    demo_server server(context);
    const temporary_directory directory;
    set_times(settings);
    settings.files = (directory.path() / "{name}.json").string();
    const std::string list = (directory.path() / "list").string();
    std::ofstream(list) << server.list();
    target_source source({}, {}, {list});
    engine fetching(context, settings, source, [&](const job& done) { server.check(done); });
    if (const int code = run_to_end(context, fetching); code >= 4)
        return code;

    auto wrong = server.deviations(settings.retry.retries);
    const std::string body = content(directory.path() / "busy-1.json");
    if (body.find("item busy-1") == std::string::npos)
        wrong.push_back("busy-1: its body is not in the file");
    if (!fetching.breaker_opened())
        wrong.push_back("the circuit breaker of the broken server did not open");
    if (settings.output == output_kind::lines) {
        std::cout
            << "demo: the body of busy-1, from its file: " << body << '\n'
            << "demo: the broken server was left alone after 4 targets in a row, the busy one "
               "until the time that it asked for\n";
        for (const auto& each : wrong)
            std::cout << "demo: " << each << '\n';
        std::cout << (wrong.empty()
                          ? "demo: every outcome is the one the server was told to give\n"
                          : "demo: the outcomes differ from what the server was told to give\n");
    }
    std::cout.flush();
    return !std::cout ? 4 : wrong.empty() ? 0 : 1;
}

} // namespace fetcher
