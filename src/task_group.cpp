// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/task_group.hpp>

namespace ferry::detail {

void group_scope::check_open() const {
    if (done())
        throw invalid_state_error("the task group has ended: nothing can be spawned");
    if (cancelling() || stopped())
        throw invalid_state_error("the task group is failing: nothing can be spawned");
}

void group_scope::cancel_all() {
    const abandoned_calls::scope scope(this);
    cancel_children();
}

void group_scope::member_failed(std::exception_ptr e) {
    if (is_cancellation(e))
        return;
    exceptions.push_back(std::move(e));
    if (!cancelling())
        cancel_all();
}

// Holds the end back until the call has ended.
void group_scope::adopt(boost::intrusive_ptr<shared_state_base> call) {
    struct release final : continuation {
        explicit release(boost::intrusive_ptr<group_scope> s) noexcept
            : continuation(false), scope(std::move(s)) {}
        void fire(shared_state_base&) override {
            auto* const s = scope.get();
            boost::asio::post(s->executor(), [keep = std::move(scope)] { keep->one_ended(); });
            delete this;
        }
        void destroy() noexcept override { delete this; }
        boost::intrusive_ptr<group_scope> scope;
    };
    hold();
    auto* const r = new release(this);
    if (!call->add(*r))
        r->fire(*call);
}

} // namespace ferry::detail
