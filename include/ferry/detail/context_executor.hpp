// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/context.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <type_traits>
#include <utility>

namespace ferry::detail {

/// An executor whose functions see what was captured. A coroutine runs on one wherever it was
/// resumed from, so this is how values follow it.
class FERRY_DECL context_executor {
    using any = boost::asio::any_io_executor;
    template <class F>
    struct call {
        context_ptr context;
        F function;
        void operator()() {
            const context_scope scope(context);
            std::move(function)();
        }
    };

public:
    context_executor(any inner, context_ptr context) noexcept
        : inner_(std::move(inner)), context_(std::move(context)) {}
    // An intrusive_ptr does not say that it does not throw.
    context_executor(const context_executor& o) noexcept : inner_(o.inner_), context_(o.context_) {}
    context_executor(context_executor&&) noexcept = default;
    context_executor& operator=(const context_executor&) = default;
    context_executor& operator=(context_executor&&) noexcept = default;

    const any& inner() const noexcept { return inner_; }

    template <class P>
        requires boost::asio::can_query<const any&, P>::value
    decltype(auto) query(const P& p) const {
        return boost::asio::query(inner_, p);
    }
    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
        return boost::asio::query(inner_, boost::asio::execution::context);
    }
    template <class P>
        requires boost::asio::can_require<const any&, P>::value
    context_executor require(const P& p) const {
        return {boost::asio::require(inner_, p), context_};
    }
    template <class P>
        requires boost::asio::can_prefer<const any&, P>::value
    context_executor prefer(const P& p) const {
        return {boost::asio::prefer(inner_, p), context_};
    }

    template <class F>
    void execute(F&& f) const {
        inner_.execute(call<std::decay_t<F>>{context_, std::forward<F>(f)});
    }

    friend bool operator==(const context_executor& a, const context_executor& b) noexcept {
        return a.inner_ == b.inner_ && a.context_ == b.context_;
    }
    friend bool operator!=(const context_executor& a, const context_executor& b) noexcept {
        return !(a == b);
    }

private:
    any inner_;
    context_ptr context_;
};

/// The executor without what was captured.
inline const boost::asio::any_io_executor&
without_context(const boost::asio::any_io_executor& ex) noexcept {
    const auto* const c = ex.target<context_executor>();
    return c != nullptr ? c->inner() : ex;
}

/// The executor with what was captured, if that is anything.
inline boost::asio::any_io_executor with_context(const boost::asio::any_io_executor& ex,
                                                 const context_ptr& context) {
    if (context == nullptr)
        return ex;
    return context_executor(without_context(ex), context);
}

} // namespace ferry::detail
