// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "demo_server.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace fetcher {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr unsigned forever = 1000;

/// Stands for a database driver that blocks.
std::string look_up(const std::string& id, std::chrono::milliseconds delay) {
    std::this_thread::sleep_for(delay);
    return boost::json::serialize(boost::json::value{{"id", id}, {"name", "item " + id}});
}

/// The name of an item in a URL.
std::string item_of(const std::string& url) { return url.substr(url.rfind('/') + 1); }

} // namespace

demo_server::demo_server(asio::io_context& context)
    : items_(context, {asio::ip::address_v4::loopback(), 0}),
      busy_(context, {asio::ip::address_v4::loopback(), 0}),
      broken_(context, {asio::ip::address_v4::loopback(), 0}) {
    using std::chrono::milliseconds;
    for (unsigned n = 1; n <= 20; ++n)
        scripts_[std::to_string(n)].delay = milliseconds(40 + n * 37 % 200);
    scripts_["5"].status = 404;
    scripts_["13"].status = 404;
    scripts_["4"].unavailable = 1;
    scripts_["11"].unavailable = 2;
    scripts_["17"].unavailable = 1;
    scripts_["9"].silent = forever;
    scripts_["16"].silent = 1;
    for (const char* each : {"busy-1", "busy-2", "busy-3"})
        scripts_[each] = {.delay = milliseconds(30), .busy = true};
    for (unsigned n = 1; n <= 6; ++n)
        scripts_["broken-" + std::to_string(n)] = {.status = 500, .broken = true};
    for (auto* each : {&items_, &busy_, &broken_})
        asio::co_spawn(context, accept(*each), asio::detached);
}

const asio::ip::tcp::acceptor& demo_server::acceptor_for(const script& what) const {
    return what.busy ? busy_ : what.broken ? broken_ : items_;
}

std::string demo_server::list() const {
    std::vector<std::string> names;
    for (const auto& [name, plan] : scripts_)
        names.push_back(name);
    // As people count: 2 comes before 10.
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
        return std::pair(a.size(), a) < std::pair(b.size(), b);
    });
    std::string result;
    for (const auto& name : names) {
        const auto port = acceptor_for(scripts_.at(name)).local_endpoint().port();
        const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/items/" + name;
        result += boost::json::serialize(boost::json::value{{"id", name}, {"url", url}}) + '\n';
    }
    return result;
}

asio::awaitable<void> demo_server::accept(asio::ip::tcp::acceptor& acceptor) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(token);
        if (error)
            co_return;
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> demo_server::serve(asio::ip::tcp::socket socket) {
    beast::flat_buffer buffer;
    for (;;) {
        http::request<http::empty_body> request;
        auto [failed, got] = co_await http::async_read(socket, buffer, request, token);
        if (failed)
            co_return;
        const std::string id = item_of(std::string(request.target()));

        http::response<http::string_body> response(http::status::ok, request.version());
        response.keep_alive(request.keep_alive());
        response.set(http::field::content_type, "application/json");
        const auto found = scripts_.find(id);
        const script plan = found == scripts_.end() ? script{.status = 404} : found->second;
        const unsigned earlier = requests_[id]++;
        const auto now = std::chrono::steady_clock::now();
        if (earlier < plan.silent) {
            co_await socket.async_wait(asio::ip::tcp::socket::wait_read, token);
            co_return; // the client lost patience
        } else if (earlier < plan.silent + plan.unavailable) {
            response.result(http::status::service_unavailable);
        } else if (plan.busy && (!open_again_ || now < *open_again_)) {
            open_again_ = open_again_.value_or(now + std::chrono::seconds(1));
            response.result(http::status::too_many_requests);
            response.set(http::field::retry_after, "1");
        } else {
            std::string item = co_await ferry::to_thread(&look_up, id, plan.delay);
            response.result(static_cast<unsigned>(plan.status));
            response.body() =
                plan.status == 200 ? std::move(item) : R"({"error": "no luck with )" + id + "\"}";
        }
        response.prepare_payload();
        auto [broken, sent] = co_await http::async_write(socket, response, token);
        if (broken || !response.keep_alive())
            co_return;
    }
}

void demo_server::check(const job& done) {
    outcomes_[done.what.id] = {done.why == failure::none, done.why, done.status,
                               done.attempts.size()};
}

std::vector<std::string> demo_server::deviations(unsigned retries) const {
    std::vector<std::string> found;
    unsigned broken_requests = 0;
    for (const auto& [id, plan] : scripts_) {
        const auto at = outcomes_.find(id);
        const auto asked = requests_.find(id);
        const unsigned requests = asked == requests_.end() ? 0 : asked->second;
        if (at == outcomes_.end()) {
            found.push_back(id + ": no outcome");
            continue;
        }
        const outcome& got = at->second;
        if (plan.broken) {
            broken_requests += requests;
            if (got.why != failure::circuit_open && got.why != failure::status)
                found.push_back(id + ": expected a failure");
            continue;
        }
        const unsigned refused = plan.silent + plan.unavailable;
        const bool answered = refused <= retries;
        const long status = answered ? plan.status : plan.silent > retries ? 0 : 503;
        if (got.ok != (status == 200) || got.status != status || got.attempts != requests)
            found.push_back(id + ": expected status " + std::to_string(status) + " after " +
                            std::to_string(requests) + " attempts");
        if (plan.busy && requests > 2)
            found.push_back(id + ": asked again before the time that it had asked for was over");
        if (!plan.busy && requests != std::min(refused, retries) + 1)
            found.push_back(id + ": expected " + std::to_string(std::min(refused, retries) + 1) +
                            " requests");
    }
    if (broken_requests > 10)
        found.push_back("the broken server was asked " + std::to_string(broken_requests) +
                        " times");
    return found;
}

} // namespace fetcher
