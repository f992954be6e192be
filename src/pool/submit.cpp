// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/submit.hpp>

#include "pool_core.hpp"
#include "pool_link.hpp"

namespace ferry::detail {

boost::asio::execution_context::id pool_link::id;

std::shared_ptr<pool_core> pool_of(boost::asio::execution_context& context) {
    return boost::asio::has_service<pool_link>(context)
               ? boost::asio::use_service<pool_link>(context).core.lock()
               : nullptr;
}

void expect_guest(pool_core& core, shared_state_base& t) {
    if (!core.expect(t))
        core.throw_closed();
}

bool try_expect_guest(pool_core& core, shared_state_base& t) {
    return core.expect(t);
}

void guest_met(pool_core& core, shared_state_base& t) noexcept {
    core.met(t);
}

} // namespace ferry::detail
