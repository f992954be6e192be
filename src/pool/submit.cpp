// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/submit.hpp>

#include "pool_core.hpp"
#include "thread_pool_service.hpp"

namespace ferry::detail {

boost::asio::execution_context::id thread_pool_service::id;

std::shared_ptr<pool_core> pool_of(boost::asio::execution_context& context) {
    return boost::asio::has_service<thread_pool_service>(context)
               ? boost::asio::use_service<thread_pool_service>(context).core.lock()
               : nullptr;
}

void on_work_started(pool_core& core, shared_state_base& t) {
    if (t.extra != nullptr)
        t.extra->owner = core.shared_from_this();
    if (core.is_bounded())
        t.owner = &core;
    if (!core.entry().start_external(t))
        core.shutdown().throw_closed();
}

void admit_external(pool_core& core, shared_state_base& t, entrance e) {
    core.line_entry().enter_external(t, e);
}

void external_left_queue(pool_core& core, shared_state_base& t) noexcept {
    core.entry().on_external_left(t);
}

bool try_on_work_started(pool_core& core, shared_state_base& t) {
    return core.entry().start_external(t);
}

void on_work_finished(pool_core& core, shared_state_base& t) noexcept {
    core.entry().finish_external(t);
}

} // namespace ferry::detail
