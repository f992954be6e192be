// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/child_scope.hpp>

#include <concepts>
#include <type_traits>
#include <vector>

namespace ferry {
namespace detail {

/// The children of a task group, its body among them.
class FERRY_DECL task_group_state : public child_scope, public abandoned_call_owner {
public:
    explicit task_group_state(const boost::asio::any_io_executor& parent)
        : child_scope(parent, wait_kind::group) {}

    /// Throws invalid_state_error if nothing may be spawned any more.
    void check_open() const;
    /// Makes room for the exceptions of one member more, so that none is lost later.
    void expect_member();
    void cancel_all();
    /// A member has ended with an exception; the first that is no cancellation cancels the others.
    void member_failed(std::exception_ptr e);

    std::vector<std::exception_ptr> exceptions;

private:
    void wait_for_abandoned(boost::intrusive_ptr<shared_state_base> call) override;
};

/// A group with its body and its value, which may outlive the coroutine that waits for them.
template <class Body, class R>
class group_with_body final : public task_group_state {
public:
    group_with_body(const boost::asio::any_io_executor& parent, Body b)
        : task_group_state(parent), body(std::move(b)) {}

    Body body;
    std::optional<regular_t<R>> value;
};

/// Fails a member's future when its coroutine is destroyed before it ended.
template <class T>
struct group_member {
    explicit group_member(boost::intrusive_ptr<future_op<T>> o) : op(std::move(o)) {}
    group_member(const group_member&) = delete;
    group_member& operator=(const group_member&) = delete;
    ~group_member() {
        if (!op->done())
            op->fail_with(make_error<broken_promise>("a task of a group was destroyed unfinished"));
    }
    const boost::intrusive_ptr<future_op<T>> op;
};

} // namespace detail

/// A set of coroutines that are awaited together, created by `with_task_group`. A handle: copies
/// refer to the same group.
///
/// @par Lifetime
/// A handle may outlive the end of its group; `spawn` then throws.
///
/// @par Thread safety
/// May be used only from the group's own coroutines, which never run concurrently.
///
/// @par See also
/// asyncio's `TaskGroup`.
class task_group {
public:
    explicit task_group(boost::intrusive_ptr<detail::task_group_state> s) noexcept
        : scope_(std::move(s)) {}

    /// Starts a coroutine as a member of the group and returns its future. Cancelling the future
    /// cancels the coroutine, and does not fail the group.
    ///
    /// @par Executor
    /// The member runs on the executor of the group, up to its first suspension inside this call.
    ///
    /// @par Errors
    /// `invalid_state_error` if the group is failing or has ended; the coroutine is then destroyed.
    ///
    /// @par Lifetime
    /// The group keeps the member until it has ended. The future may be dropped.
    template <class T>
    future<T> spawn(boost::asio::awaitable<T> awaitable) {
        scope_->check_open();
        scope_->expect_member();
        auto member =
            std::make_shared<detail::group_member<T>>(new detail::future_op<T>(scope_->executor()));
        const auto started = scope_->add(
            std::move(awaitable),
            [member](regular_t<T> v) {
                member->op->slot().clear();
                if constexpr (std::is_void_v<T>)
                    member->op->succeed([] {});
                else
                    member->op->succeed([&]() -> T { return std::move(v); });
            },
            [member, scope = scope_.get()](std::exception_ptr e) {
                member->op->slot().clear();
                member->op->fail_with(e);
                scope->member_failed(std::move(e));
            });
        // What is in the slot lives with the member, and the group with its members.
        member->op->slot().assign(
            [group = scope_.get(), weak = std::weak_ptr(started)](boost::asio::cancellation_type) {
                if (const auto c = weak.lock())
                    group->cancel_child(*c);
            });
        scope_->start_waiting();
        return detail::access::make<T>(member->op);
    }

    /// Cancels the body and all members; nothing can be spawned any more. A coroutine that has not
    /// been suspended yet goes on until it is. If the body returns a value nevertheless, that is
    /// the value of the group.
    void cancel() { scope_->cancel_all(); }

private:
    boost::intrusive_ptr<detail::task_group_state> scope_;
};

namespace detail {

/// The type that the body returns; void if it takes no group.
template <class Body>
struct returned_by_body {
    using type = void;
};
template <class Body>
    requires std::invocable<Body&, task_group&>
struct returned_by_body<Body> : std::invoke_result<Body&, task_group&> {};
template <class Body>
using returned_by_body_t = typename returned_by_body<Body>::type;

template <class R>
inline constexpr bool is_plain_awaitable = false;
template <class T>
inline constexpr bool is_plain_awaitable<boost::asio::awaitable<T>> = true;

template <class Body>
concept body_that_takes_a_task_group_by_reference = std::invocable<Body&, task_group&>;
template <class Body>
concept body_that_returns_an_awaitable__make_it_a_coroutine =
    is_plain_awaitable<returned_by_body_t<Body>>;
template <class Body>
concept group_body =
    std::move_constructible<Body> && body_that_takes_a_task_group_by_reference<Body> &&
    body_that_returns_an_awaitable__make_it_a_coroutine<Body>;

} // namespace detail

/// Runs `body(task_group&)`, which returns an `awaitable<R>`, and returns its value when the body
/// and all members have ended.
///
/// The first failure of any of them cancels the others. Calls that were offloaded and are running
/// are waited for too.
///
/// @par Executor
/// The body and the members run on the awaiting coroutine's executor, wrapped in a strand unless it
/// already is one or belongs to `run`. The awaiting coroutine resumes on its own executor.
///
/// @par Cancellation
/// All types: forwarded to the body and all members; `cancelled_error` when they have ended.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `exception_group` with the exceptions of all that failed, in the order of their failures,
/// cancellations not included; `cancelled_error`.
///
/// @par Lifetime
/// `body` lives until the group has ended. Finished members are released at once.
///
/// @par Example
/// @code
/// auto crawl_all = [&](ferry::task_group& group) -> asio::awaitable<int> {
///     for (const std::string& url : urls)
///         group.spawn(crawl(url, pages));
///     co_return 0; // the group ends when all members have ended
/// };
/// co_await ferry::with_task_group(crawl_all);
/// @endcode
///
/// @par See also
/// asyncio's `TaskGroup`; `gather` for a fixed number of coroutines.
template <class Body>
    requires detail::group_body<Body>
auto with_task_group(Body body) -> detail::returned_by_body_t<Body> {
    using result = typename detail::returned_by_body_t<Body>::value_type;
    const auto ex = co_await boost::asio::this_coro::executor;
    using scope_type = detail::group_with_body<Body, result>;
    boost::intrusive_ptr<scope_type> scope(new scope_type(ex, std::move(body)));
    scope->expect_member();
    scope->add(
        [](scope_type* s) -> boost::asio::awaitable<result> {
            task_group group{boost::intrusive_ptr<detail::task_group_state>(s)};
            co_return co_await s->body(group); // called on the strand
        }(scope.get()),
        [s = scope.get()](regular_t<result> v) { s->value.emplace(std::move(v)); },
        [s = scope.get()](std::exception_ptr e) { s->member_failed(std::move(e)); });
    scope->launch();
    detail::wait_status how{};
    co_await detail::all_ended(*scope, how);
    detail::check_ended(how);
    scope->let_go();
    if (!scope->exceptions.empty())
        throw exception_group(std::move(scope->exceptions));
    if (scope->stopped() || !scope->value)
        throw cancelled_error("the task group was cancelled");
    if constexpr (!std::is_void_v<result>)
        co_return std::move(*scope->value);
}

} // namespace ferry
