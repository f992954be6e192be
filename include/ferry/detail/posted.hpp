// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/runnable.hpp>

#include <memory>
#include <utility>

namespace ferry::detail {

/// A function without a future in a pool's queue. Its memory is free again before it runs.
template <class F>
class posted final : public runnable {
public:
    template <class F2>
    explicit posted(F2&& f) : function_(std::forward<F2>(f)) {}

    void run() override {
        std::unique_ptr<posted> self(this);
        F f(std::move(function_));
        self.reset();
        f();
    }
    void drop(std::exception_ptr) noexcept override { delete this; }

private:
    F function_;
};

} // namespace ferry::detail
