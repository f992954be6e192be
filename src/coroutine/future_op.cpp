// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/future_op.hpp>

#include <ferry/detail/assert.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <vector>

namespace ferry::detail {

boost::asio::execution_context::id future_op_service::id;

future_op_base::future_op_base(const boost::asio::any_io_executor& ex)
    : registry_(boost::asio::use_service<future_op_service>(
                    boost::asio::query(ex, boost::asio::execution::context))
                    .registry),
      executor_(ex) {
    registry_->add(*this);
}

future_op_base::~future_op_base() { registry_->remove(*this); }

void future_op_base::ended() noexcept { registry_->remove(*this); }

void future_op_base::drop_error(const std::exception_ptr& error) noexcept {
    if (registry_->closing())
        report_unhandled(error);
}

void future_op_registry::add(future_op_base& op) {
    const scoped_lock lock(mutex_);
    if (closed_) {
        op.executor_.reset();
        return;
    }
    op.next_ = first_;
    if (first_ != nullptr)
        first_->prev_ = &op;
    first_ = &op;
}

void future_op_registry::remove(future_op_base& op) noexcept {
    std::optional<boost::asio::any_io_executor> last; // let go of without the lock
    const scoped_lock lock(mutex_);
    if (!op.executor_)
        return;
    last.swap(op.executor_);
    FERRY_ASSERT(op.prev_ != nullptr || first_ == &op);
    (op.prev_ != nullptr ? op.prev_->next_ : first_) = op.next_;
    if (op.next_ != nullptr)
        op.next_->prev_ = op.prev_;
}

void future_op_registry::emit(future_op_base& op) noexcept {
    const scoped_lock lock(mutex_);
    if (!op.executor_)
        return;
    struct emission {
        boost::intrusive_ptr<shared_state_base> keep;
        future_op_base* op;
        void operator()() { op->signal_.emit(boost::asio::cancellation_type::terminal); }
    };
    for (int i = 0;; ++i) {
        try {
            boost::asio::post(*op.executor_, emission{op.self(), &op});
            return;
        } catch (const std::exception&) {
            if (!wait_for_memory(i))
                return; // its outcome is dropped all the same
        }
    }
}

void future_op_registry::cancel_all() {
    std::vector<boost::intrusive_ptr<shared_state_base>> all;
    {
        const scoped_lock lock(mutex_);
        closing_ = true;
        for (future_op_base* op = first_; op != nullptr; op = op->next_)
            all.push_back(op->self());
    }
    for (const auto& s : all)
        s->cancel();
}

bool future_op_registry::empty() {
    const scoped_lock lock(mutex_);
    return first_ == nullptr;
}

bool future_op_registry::closing() {
    const scoped_lock lock(mutex_);
    return closing_;
}

void future_op_registry::close() noexcept {
    const scoped_lock lock(mutex_);
    closed_ = true;
    for (future_op_base* op = std::exchange(first_, nullptr); op != nullptr; op = op->next_)
        op->executor_.reset();
}

} // namespace ferry::detail
