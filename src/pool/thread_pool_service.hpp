// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/execution_context.hpp>

#include <memory>

namespace ferry::detail {

class pool_core;

/// Tells of an execution context that it is a Ferry pool.
class thread_pool_service final : public boost::asio::execution_context::service {
public:
    using key_type = thread_pool_service;
    static boost::asio::execution_context::id id;

    explicit thread_pool_service(boost::asio::execution_context& context,
                                 const std::shared_ptr<pool_core>& c = nullptr)
        : service(context), core(c) {}

    const std::weak_ptr<pool_core> core;

private:
    void shutdown() override {}
};

} // namespace ferry::detail
