// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <future>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

/// Passes connections on to a port of this machine, and cuts them when it is told to.
class test_proxy {
    using tcp = boost::asio::ip::tcp;

public:
    explicit test_proxy(unsigned short to)
        : to_(boost::asio::ip::make_address("127.0.0.1"), to),
          acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        accept();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~test_proxy() {
        context_.stop();
        thread_.join();
    }

    unsigned short port() const { return acceptor_.local_endpoint().port(); }

    /// Cuts all connections, each after so many bytes more in one of its directions, in the middle
    /// of whatever they belong to; 0: now. Returns once they are told.
    void cut(std::size_t after_bytes) {
        std::promise<void> told;
        boost::asio::post(context_, [&] {
            for (const auto& l : links_) {
                if (const auto link = l.lock()) {
                    link->left = after_bytes;
                    if (after_bytes == 0)
                        link->close();
                }
            }
            links_.clear();
            told.set_value();
        });
        told.get_future().wait();
    }

    /// From now on nothing goes through the connections that there are, which stay open.
    void freeze() {
        std::promise<void> told;
        boost::asio::post(context_, [&] {
            for (const auto& l : links_) {
                if (const auto link = l.lock())
                    link->frozen = true;
            }
            told.set_value();
        });
        told.get_future().wait();
    }

private:
    struct link {
        explicit link(boost::asio::io_context& c) : inner(c), outer(c) {}
        void close() {
            boost::system::error_code ignored;
            inner.close(ignored);
            outer.close(ignored);
        }
        tcp::socket inner;
        tcp::socket outer;
        bool frozen = false;
        std::size_t left = std::numeric_limits<std::size_t>::max();
        std::array<std::array<char, 65536>, 2> buffers{};
    };

    void accept() {
        auto l = std::make_shared<link>(context_);
        acceptor_.async_accept(l->outer, [this, l](const boost::system::error_code& error) {
            if (error)
                return;
            boost::system::error_code refused;
            l->inner.connect(to_, refused);
            if (!refused) {
                links_.push_back(l);
                pass(l, l->outer, l->inner, 0);
                pass(l, l->inner, l->outer, 1);
            }
            accept();
        });
    }
    void pass(const std::shared_ptr<link>& l, tcp::socket& from, tcp::socket& to, std::size_t way) {
        from.async_read_some(
            boost::asio::buffer(l->buffers[way]),
            [this, l, &from, &to, way](const boost::system::error_code& error, std::size_t n) {
                const std::size_t now = std::min(n, l->left);
                if (!error && l->left != std::numeric_limits<std::size_t>::max())
                    l->left -= now;
                if (error) {
                    l->close();
                    return;
                }
                if (l->frozen) {
                    frozen_.push_back(l);
                    return;
                }
                boost::asio::async_write(to, boost::asio::buffer(l->buffers[way], now),
                                         [this, l, &from, &to, way](
                                             const boost::system::error_code& failed, std::size_t) {
                                             if (failed || l->left == 0)
                                                 l->close();
                                             else
                                                 pass(l, from, to, way);
                                         });
            });
    }

    const tcp::endpoint to_;
    boost::asio::io_context context_;
    tcp::acceptor acceptor_;
    std::vector<std::weak_ptr<link>> links_;
    std::vector<std::shared_ptr<link>> frozen_; // so that they stay open
    std::thread thread_;
};
