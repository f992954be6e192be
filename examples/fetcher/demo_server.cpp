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

} // namespace

demo_server::demo_server(asio::io_context& context)
    : acceptor_(context, {asio::ip::address_v4::loopback(), 0}) {
    using std::chrono::milliseconds;
    for (unsigned n = 1; n <= items; ++n)
        scripts_[std::to_string(n)].delay = milliseconds(40 + n * 37 % 200);
    scripts_["5"].status = 404;
    scripts_["13"].status = 404;
    scripts_["4"].unavailable = 1;
    scripts_["11"].unavailable = 2;
    scripts_["17"].unavailable = 1;
    scripts_["9"].silent = forever;
    scripts_["16"].silent = 1;
    asio::co_spawn(context, accept(), asio::detached);
}

std::string demo_server::base_url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/items";
}

asio::awaitable<void> demo_server::accept() {
    for (;;) {
        auto [error, socket] = co_await acceptor_.async_accept(token);
        if (error)
            co_return;
        asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> demo_server::serve(asio::ip::tcp::socket socket) {
    beast::flat_buffer buffer;
    for (;;) {
        http::request<http::empty_body> request;
        auto [failed, got] = co_await http::async_read(socket, buffer, request, token);
        if (failed)
            co_return;
        std::string id(request.target());
        id.erase(0, id.rfind('/') + 1);

        http::response<http::string_body> response(http::status::ok, request.version());
        response.keep_alive(request.keep_alive());
        response.set(http::field::content_type, "application/json");
        const auto found = scripts_.find(id);
        const unsigned earlier = found == scripts_.end() ? 0 : requests_[id]++;
        if (found == scripts_.end()) {
            response.result(http::status::not_found);
        } else if (earlier < found->second.silent) {
            co_await socket.async_wait(asio::ip::tcp::socket::wait_read, token);
            co_return; // the client lost patience
        } else if (earlier < found->second.silent + found->second.unavailable) {
            response.result(http::status::service_unavailable);
        } else {
            std::string item = co_await ferry::to_thread(&look_up, id, found->second.delay);
            response.result(static_cast<unsigned>(found->second.status));
            if (found->second.status == 200)
                response.body() = std::move(item);
        }
        response.prepare_payload();
        auto [broken, sent] = co_await http::async_write(socket, response, token);
        if (broken || !response.keep_alive())
            co_return;
    }
}

std::vector<std::string> demo_server::deviations(const std::vector<outcome>& results,
                                                 unsigned retries) const {
    std::vector<std::string> found;
    for (const auto& [id, plan] : scripts_) {
        const auto at = std::find_if(results.begin(), results.end(),
                                     [&id = id](const outcome& each) { return each.id == id; });
        if (at == results.end()) {
            found.push_back(id + ": no outcome");
            continue;
        }
        const unsigned refused = plan.silent + plan.unavailable;
        const unsigned attempts = std::min(refused, retries) + 1;
        const bool answered = refused <= retries;
        const long status = answered ? plan.status : plan.silent > retries ? 0 : 503;
        if (at->ok != (status == 200) || at->status != status || at->attempts != attempts)
            found.push_back(id + ": expected status " + std::to_string(status) + " after " +
                            std::to_string(attempts) + " attempts");
        const auto asked = requests_.find(id);
        if (asked == requests_.end() || asked->second != attempts)
            found.push_back(id + ": expected " + std::to_string(attempts) + " requests");
    }
    return found;
}

} // namespace fetcher
