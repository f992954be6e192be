// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/operation.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <vector>

namespace ferry::detail {

boost::asio::execution_context::id operation_service::id;

operation_base::operation_base(const boost::asio::any_io_executor& ex)
    : registry_(boost::asio::use_service<operation_service>(
                    boost::asio::query(ex, boost::asio::execution::context))
                    .registry),
      executor_(ex) {
    registry_->add(*this);
}

operation_base::~operation_base() {
    registry_->remove(*this);
}

void operation_base::ended() noexcept {
    registry_->remove(*this);
}

void operation_base::drop_error(std::exception_ptr error) noexcept {
    if (registry_->ending())
        report_unhandled(std::move(error));
}

void operation_registry::add(operation_base& op) {
    const short_lock lock(mutex_);
    if (closed_) {
        op.executor_.reset();
        return;
    }
    op.next_ = first_;
    if (first_ != nullptr)
        first_->prev_ = &op;
    first_ = &op;
}

void operation_registry::remove(operation_base& op) noexcept {
    std::optional<boost::asio::any_io_executor> last; // let go of without the lock
    const short_lock lock(mutex_);
    if (!op.executor_)
        return;
    last.swap(op.executor_);
    (op.prev_ != nullptr ? op.prev_->next_ : first_) = op.next_;
    if (op.next_ != nullptr)
        op.next_->prev_ = op.prev_;
}

void operation_registry::emit(operation_base& op) noexcept {
    const short_lock lock(mutex_);
    if (!op.executor_)
        return;
    struct emission {
        boost::intrusive_ptr<shared_state_base> keep;
        operation_base* op;
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

void operation_registry::cancel_all() {
    std::vector<boost::intrusive_ptr<shared_state_base>> all;
    {
        const short_lock lock(mutex_);
        ending_ = true;
        for (operation_base* op = first_; op != nullptr; op = op->next_)
            all.push_back(op->self());
    }
    for (const auto& s : all)
        s->cancel();
}

bool operation_registry::empty() {
    const short_lock lock(mutex_);
    return first_ == nullptr;
}

bool operation_registry::ending() {
    const short_lock lock(mutex_);
    return ending_;
}

void operation_registry::close() noexcept {
    const short_lock lock(mutex_);
    closed_ = true;
    for (operation_base* op = std::exchange(first_, nullptr); op != nullptr; op = op->next_)
        op->executor_.reset();
}

} // namespace ferry::detail
