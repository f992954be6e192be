// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/task_group.hpp>

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {

void task_group_state::check_open() const {
    if (done())
        throw invalid_state_error("the task group has ended: nothing can be spawned");
    if (cancelling() || stopped())
        throw invalid_state_error("the task group is failing: nothing can be spawned");
}

void task_group_state::expect_member() {
    const std::size_t enough = exceptions.size() + unfinished() + 1;
    if (exceptions.capacity() < enough)
        exceptions.reserve(std::max(enough, 2 * exceptions.capacity()));
}

void task_group_state::cancel_all() {
    const abandoned_call_owner::scope scope(this);
    cancel_children();
}

void task_group_state::member_failed(std::exception_ptr e) {
    if (is_cancellation(e))
        return;
    FERRY_ASSERT(exceptions.size() < exceptions.capacity()); // `expect_member` came before
    exceptions.push_back(std::move(e));
    if (!cancelling())
        cancel_all();
}

// Holds the end back until the call has ended. By a wait_op, since the context may go before.
void task_group_state::wait_for_abandoned(boost::intrusive_ptr<shared_state_base> call) {
    hold();
    complete_when_done(
        *call, executor(),
        [keep = boost::intrusive_ptr<task_group_state>(this)] { keep->one_ended(); },
        [](auto&& handler, wait_status) { handler(); }, cancel_mode::stop_waiting);
}

} // namespace ferry::detail
