// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/context_hook.hpp>
#include <ferry/detail/child_scope.hpp>
#include <ferry/detail/context.hpp>

#include <concepts>

namespace ferry {
namespace detail {

/// How a `T` is carried to a worker process. `<ferry/process.hpp>` says it for what can be sent.
template <class T, class = void>
struct context_codec_for {
    using type = void;
};

template <class Codec>
const context_codec* codec_of() noexcept {
    if constexpr (std::is_void_v<Codec>)
        return nullptr;
    else
        return &Codec::codec;
}

/// A coroutine that runs in a context of its own, for the one that waits for it.
template <class R>
class child_in_context final : public child_scope {
public:
    explicit child_in_context(const boost::asio::any_io_executor& parent)
        : child_scope(parent, wait_kind::context) {}

    void start(boost::asio::awaitable<R> a, context_ptr context) {
        this->add(
            std::move(a), [this](regular_t<R> v) { value.emplace(std::move(v)); },
            [this](std::exception_ptr e) { error = std::move(e); }, std::move(context));
        this->launch();
    }

    std::optional<regular_t<R>> value;
    std::exception_ptr error;
};

template <class R>
boost::asio::awaitable<R> run_in_context(boost::asio::awaitable<R> a, context_ptr context) {
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<child_in_context<R>> c(new child_in_context<R>(ex));
    c->start(std::move(a), std::move(context));
    wait_status how{};
    co_await all_ended(*c, how);
    check_ended(how);
    if (c->error)
        std::rethrow_exception(c->error);
    if constexpr (!std::is_void_v<R>)
        co_return std::move(*c->value);
}

} // namespace detail

/// A value that follows the work: what is started while it is set sees it, wherever that runs.
///
/// It is captured by `submit`, `map` and `run_in_executor`, at the start of the children of
/// `gather`, of task groups, of `wait_for`, `shield` and `run_coroutine_threadsafe`, and where a
/// done-callback is registered; `run` keeps that of its caller. A task sees what was captured and
/// nothing else, whichever thread runs it. Functions posted through an executor see nothing.
///
/// A worker process sees it too if the object has static storage duration and `T` can be sent; the
/// header `<ferry/process.hpp>` must be included where the object is defined.
///
/// A program that uses neither values nor a hook pays for nothing but the test of one flag.
///
/// @par Lifetime
/// The object must outlive its scopes. Values live as long as work that has captured them.
///
/// @par Thread safety
/// Safe. A value is shared by all that it follows, which see it as const.
///
/// @par Example
/// @code
/// ferry::context_value<std::string> id;
/// co_await id.with("r-17", serve(socket, id)); // all that serve() starts sees it
/// @endcode
///
/// @par See also
/// Python's `contextvars.ContextVar`; `set_context_hook` for a tracer with a context of its own.
template <class T>
class context_value {
    static_assert(std::is_object_v<T> && std::same_as<T, std::remove_cv_t<T>>,
                  "ferry::context_value<T>: T is a type of objects without const");

public:
    /// While it lives, the value is set for the calling thread. It cannot be moved, and must not
    /// live across a `co_await`.
    class [[nodiscard]] scope {
    public:
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        friend context_value;
        explicit scope(detail::context_ptr c) noexcept : scope_(std::move(c)) {}

        const detail::context_scope scope_;
    };

    /// Makes a value that is not set anywhere.
    template <class Codec = typename detail::context_codec_for<T>::type>
    context_value() noexcept : key_(detail::codec_of<Codec>()) {}

    /// Returns the value that the calling thread sees, or null if there is none. The pointer is
    /// valid as long as the scope, the task or the coroutine that sees it.
    const T* get() const noexcept {
        return detail::contexts_in_use()
                   ? static_cast<const T*>(detail::find_in_context(key_.number()))
                   : nullptr;
    }

    /// Sets the value for the calling thread, until the returned object is destroyed; scopes nest.
    /// In a task that is the end of the task at the latest.
    scope set(T value) const { return scope(entry(std::move(value))); }

    /// Awaits `awaitable`, which sees the value, and returns its result.
    ///
    /// @par Executor
    /// The coroutine runs on the awaiting coroutine's executor, wrapped in a strand unless it
    /// already is one or belongs to `run`.
    ///
    /// @par Cancellation
    /// All types: forwarded to the coroutine, which is awaited.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// Any exception of the coroutine.
    template <class R>
    boost::asio::awaitable<R> with(T value, boost::asio::awaitable<R> awaitable) const {
        co_return co_await detail::run_in_context(
            std::move(awaitable), detail::with_capture_of_hook(entry(std::move(value))));
    }

private:
    detail::context_ptr entry(T value) const {
        detail::use_contexts();
        return detail::context_ptr(
            new detail::context_entry_of<T>(key_, std::move(value), detail::current_values()));
    }

    const detail::context_key key_;
};

} // namespace ferry
