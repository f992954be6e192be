// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "routes.hpp"

#include "live_page.hpp"
#include "refusal.hpp"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace server {
namespace {

// The calls that block or compute. Each owns its arguments: it may outlive the request, when that
// is given up.

std::optional<std::string> read_file(const std::filesystem::path& path) {
    constexpr std::uintmax_t most = 16 << 20;
    if (!std::filesystem::is_regular_file(path))
        return std::nullopt;
    const auto size = std::filesystem::file_size(path);
    if (size > most)
        throw std::runtime_error("the file is too large");
    std::string content(size, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(content.data(), static_cast<std::streamsize>(size));
    content.resize(static_cast<std::size_t>(file.gcount()));
    return content;
}

bool is_prime(std::uint64_t n) {
    for (std::uint64_t d = 2; d * d <= n; ++d) {
        if (n % d == 0)
            return false;
    }
    return n > 1;
}

response metrics() {
    std::ostringstream out;
    ferry::write_metrics(out);
    response r = text(http::status::ok, out.str());
    r.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    return r;
}

response not_found() { return text(http::status::not_found, "not found"); }

/// Takes the prefix off; false if it is not there.
bool take(std::string& path, std::string_view prefix) {
    if (!path.starts_with(prefix))
        return false;
    path.erase(0, prefix.size());
    return true;
}

} // namespace

routes::routes(std::filesystem::path directory, std::shared_ptr<database> data,
               ferry::thread_pool& database_pool, ferry::process_pool& primes, ferry::timeout limit,
               std::shared_ptr<running_calls> calls, std::function<std::string()> next_event)
    : directory_(std::move(directory)), data_(std::move(data)),
      database_strand_(asio::make_strand(database_pool.get_executor())), primes_(primes),
      limit_(limit), calls_(std::move(calls)), next_event_(std::move(next_event)) {}

asio::awaitable<response> routes::answer(request asked) {
    std::string path(asked.target());
    const bool read = asked.method() == http::verb::get || asked.method() == http::verb::head;
    if (read && path == "/healthz")
        co_return text(http::status::ok, "ok");
    if (read && path == "/metrics")
        co_return metrics();
    if (read && path == "/")
        co_return live();
    if (read && path == "/events")
        co_return events();
    if (read && take(path, "/file/"))
        co_return co_await file(std::move(path));
    if (read && take(path, "/prime/"))
        co_return co_await prime(std::move(path));
    if (read && take(path, "/db/"))
        co_return co_await get(std::move(path));
    if (asked.method() == http::verb::put && take(path, "/db/"))
        co_return co_await put(std::move(path), std::move(asked.body()));
    co_return read ? not_found() : text(http::status::method_not_allowed, "not allowed");
}

response routes::live() const {
    response r = text(http::status::ok, live_page);
    r.set(http::field::content_type, "text/html; charset=utf-8");
    r.set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src data:; "
                                     "script-src 'unsafe-inline'; style-src 'unsafe-inline'");
    return r;
}

response routes::events() const {
    response r(http::status::ok, 11);
    r.next_event = next_event_;
    return r;
}

asio::awaitable<response> routes::file(std::string name) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
        co_return not_found();
    ferry::task_options options{.label = "read file", .timeout = limit_};
    auto call = calls_->listed(options.label, read_file);
    auto content = co_await ferry::to_thread(options, call, directory_ / name);
    if (!content)
        co_return not_found();
    response r(http::status::ok, 11);
    r.set(http::field::content_type, "application/octet-stream");
    r.body() = std::move(*content);
    co_return r;
}

asio::awaitable<response> routes::get(std::string key) {
    ferry::task_options options{.label = "db get", .timeout = limit_};
    auto call = calls_->listed(options.label, &database::get);
    auto value =
        co_await ferry::run_in_executor(database_strand_, options, call, data_, std::move(key));
    co_return value ? text(http::status::ok, std::move(*value)) : not_found();
}

asio::awaitable<response> routes::put(std::string key, std::string value) {
    ferry::task_options options{.label = "db put", .timeout = limit_};
    options.bytes = key.size() + value.size(); // counts towards max_queue_bytes
    auto call = calls_->listed(options.label, &database::put);
    co_await ferry::run_in_executor(database_strand_, options, call, data_, std::move(key),
                                    std::move(value));
    co_return text(http::status::ok, "stored");
}

asio::awaitable<response> routes::prime(std::string number) {
    std::uint64_t n = 0;
    const char* const end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, n);
    if (parsed.ec != std::errc() || parsed.ptr != end || n > 1'000'000'000'000'000)
        co_return text(http::status::bad_request, "use /prime/N, N at most 10^15");
    ferry::task_options options{.label = "is prime", .timeout = limit_};
    const bool yes = co_await ferry::run_in_executor(primes_, options, is_prime, n);
    co_return text(http::status::ok, yes ? "prime" : "not prime");
}

} // namespace server
