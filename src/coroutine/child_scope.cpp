// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/child_scope.hpp>

#include <ferry/detail/assert.hpp>
#include <ferry/detail/runs_here.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/detail/visit_strand.hpp>
#include <ferry/thread_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

namespace ferry::detail {

boost::asio::any_io_executor serial_executor(const boost::asio::any_io_executor& parent) {
    namespace asio = boost::asio;
    const asio::any_io_executor& ex = without_context(parent); // each child has its own
    if (visit_strand<thread_pool::executor_type>(ex, [](const auto&) {}))
        return ex;
    // Asio's strands need memory in places where they cannot fail: none where none is needed.
    if (const auto* const plain = ex.target<asio::io_context::executor_type>();
        plain != nullptr &&
        asio::use_service<future_op_service>(plain->context()).registry->one_thread.load())
        return ex;
    return asio::make_strand(ex);
}

/// While one lives, no child leaves the list of those that have started.
class child_scope::emission {
public:
    explicit emission(child_scope& all) noexcept : all_(&all) { ++all.emitting_; }
    emission(const emission&) = delete;
    emission& operator=(const emission&) = delete;
    ~emission() {
        FERRY_ASSERT(all_->emitting_ != 0);
        if (--all_->emitting_ == 0)
            all_->started_.remove_if([](const auto& c) { return c->ended_; });
    }

private:
    const boost::intrusive_ptr<child_scope> all_; // whoever emits may let go of it meanwhile
};

/// A child's completion handler. Without an executor of its own, so that a signal goes straight
/// to the coroutine; on the strand all the same, which is where the coroutine runs.
class child_scope::at_end {
public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    at_end(child_scope& all, std::shared_ptr<child_coroutine> c) noexcept
        : all_(&all), child_(std::move(c)) {}
    at_end(at_end&&) noexcept = default;
    at_end& operator=(at_end&&) = delete;
    ~at_end() {
        if (all_ != nullptr)
            all_->lost(std::move(child_));
    }
    cancellation_slot_type get_cancellation_slot() const noexcept { return child_->signal_.slot(); }
    void operator()(std::exception_ptr e) {
        const auto all = std::exchange(all_, nullptr);
        all->ended(*child_, std::move(e));
    }

private:
    boost::intrusive_ptr<child_scope> all_;
    std::shared_ptr<child_coroutine> child_;
};

child_scope::child_scope(const boost::asio::any_io_executor& parent, wait_kind kind)
    : strand_(serial_executor(parent)), node_(kind) {
    static_cast<void>(try_start());
}

void child_scope::launch() {
    boost::asio::post(strand_, [keep = boost::intrusive_ptr<child_scope>(this)] {
        const scope_exit at_end([&] { keep->one_ended(); });
        keep->start_waiting();
        keep->launched();
    });
}

void child_scope::start_waiting() {
    FERRY_ASSERT(runs_here(strand_));
    while (!waiting_.empty()) {
        started_.splice(started_.end(), waiting_, waiting_.begin());
        const std::shared_ptr<child_coroutine> c = started_.back();
        c->place_ = std::prev(started_.end());
        std::exception_ptr error;
        try {
            const wait_node_scope scope(c->node_.number());
            spawn(c); // runs it until its first suspension
        } catch (...) {
            error = std::current_exception();
        }
        c->suspended_ = true;
        if (c->lost_early_) {
            ended(*c, std::move(error));
        } else if (c->cancelled_early_) {
            const abandoned_call_owner::scope scope(c->adopter_);
            const emission guard(*this);
            emit(*c);
        }
    }
}

void child_scope::spawn(std::shared_ptr<child_coroutine> c) {
    const auto executor = with_context(strand_, std::move(c->context_));
    boost::asio::awaitable<void> body = std::move(c->body_);
    boost::asio::co_spawn(executor, std::move(body), at_end(*this, std::move(c)));
}

void child_scope::one_ended() {
    FERRY_ASSERT(live_.load() != 0);
    if (live_.fetch_sub(1) == 1 && claim(true)) {
        store_result([] {});
        publish(status::value);
    }
}

void child_scope::ended(child_coroutine& c, std::exception_ptr e) {
    const scope_exit at_end([this] { one_ended(); });
    FERRY_ASSERT(runs_here(strand_) && !c.ended_);
    c.ended_ = true;
    c.node_ = wait_node();
    std::shared_ptr<child_coroutine> keep;
    if (emitting_ == 0) {
        keep = std::move(*c.place_);
        started_.erase(c.place_);
    }
    if (e)
        c.failed(std::move(e));
}

void child_scope::lost(std::shared_ptr<child_coroutine> c) noexcept {
    if (!c->suspended_) { // on the strand, inside of `start_waiting`
        c->lost_early_ = true;
        return;
    }
    // What is posted to a context that is being destroyed never runs.
    try {
        auto error = make_error<broken_promise>("a coroutine was destroyed unfinished");
        boost::asio::post(strand_,
                          [keep = boost::intrusive_ptr<child_scope>(this), c = std::move(c),
                           error = std::move(error)] { keep->ended(*c, error); });
    } catch (const std::bad_alloc&) { // whoever runs the context got the first one
    }
}

void child_scope::emit(child_coroutine& c) {
    FERRY_ASSERT(emitting_ != 0); // so that no child leaves the list
    if (c.ended_)
        return;
    if (c.suspended_) {
        c.signal_.emit(boost::asio::cancellation_type::terminal);
    } else {
        c.cancelled_early_ = true;
        c.adopter_ = abandoned_call_owner::current();
    }
}

void child_scope::cancel_children() {
    FERRY_ASSERT(runs_here(strand_));
    cancelling_ = true;
    const emission guard(*this);
    for (const auto& c : waiting_)
        emit(*c);
    for (const auto& c : started_)
        emit(*c);
}

void child_scope::cancel_child(child_coroutine& c) {
    FERRY_ASSERT(runs_here(strand_));
    const emission guard(*this);
    emit(c);
}

bool child_scope::request_stop() noexcept {
    stopped_.store(true);
    // The strand runs what is posted one by one, and who waits for abandoned calls lives until all
    // its children have ended, of which this one's parent is one.
    try {
        boost::asio::post(strand_, [keep = boost::intrusive_ptr<child_scope>(this),
                                    calls = abandoned_call_owner::current()] {
            const abandoned_call_owner::scope scope(calls);
            keep->cancel_children();
        });
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

std::exception_ptr child_error(const std::exception_ptr& e) noexcept {
    try {
        return is_cancellation(e) ? make_error<cancelled_error>() : e;
    } catch (...) {
        return std::current_exception();
    }
}

} // namespace ferry::detail
