// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/fwd.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <utility>

namespace ferry::detail {

template <class T>
class shared_state;

template <class F>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<future<T>> = true;

/// Makes futures and views, and reaches the state of a future.
struct access {
    template <class T>
    static future<T> make(boost::intrusive_ptr<shared_state<T>> s) noexcept {
        return future<T>(std::move(s));
    }
    template <class T>
    static const boost::intrusive_ptr<shared_state<T>>& state(const future<T>& f) noexcept {
        return f.state_;
    }
    template <class View, class Source>
    static View make_view(Source source) {
        return View(std::move(source));
    }
};

} // namespace ferry::detail
