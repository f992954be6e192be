// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/context.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/fwd.hpp>
#include <ferry/unhandled.hpp>

#include <memory>
#include <utility>

namespace ferry::detail {

/// A function of the user's that is called with the future when that is done. It sees what its
/// registration saw.
template <class T, class F>
class done_callback final : public continuation {
public:
    explicit done_callback(F f) : continuation(true), f_(std::move(f)) {}

    void fire(shared_state_base* s) override {
        const std::unique_ptr<done_callback> self(this);
        const optional_context_scope scope(context_);
        try {
            f_(future<T>(boost::intrusive_ptr<shared_state<T>>(static_cast<shared_state<T>*>(s))));
        } catch (...) {
            report_or_unwind();
        }
    }
    void destroy() noexcept override { delete this; }

private:
    F f_;
    const context_ptr context_ = capture_context();
};

} // namespace ferry::detail
