// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/run.hpp>

#include <ferry/detail/as_if_alone.hpp>
#include <ferry/detail/assert.hpp>

#include <stdexcept>

namespace ferry::detail {

run_mark::run_mark() {
    if (role_of_this_thread().inside_run)
        throw std::logic_error("ferry::run was called inside a running ferry::run");
    role_of_this_thread().inside_run = true;
}

run_mark::~run_mark() {
    FERRY_ASSERT(role_of_this_thread().inside_run);
    role_of_this_thread().inside_run = false;
}

void one_thread_runs(boost::asio::io_context& io) {
    boost::asio::use_service<operation_service>(io).registry->one_thread.store(true);
}

void run_until_done(boost::asio::io_context& io, const shared_state_base& main) {
    while (!main.done() && io.run_one() != 0) {
    }
    auto& registry = *boost::asio::use_service<operation_service>(io).registry;
    registry.cancel_all();
    while (!registry.empty() && io.run_one() != 0) {
    }
}

} // namespace ferry::detail
