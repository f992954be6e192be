// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#include <boost/thread/future.hpp>

#include <future>

int other_unit(ferry::future<int> f);

static_assert(!std::is_same_v<boost::promise<int>, ferry::promise<int>>);

/// Adds up futures of both libraries.
int other_unit(ferry::future<int> f) {
    std::promise<int> other;
    other.set_value(2);
    return f.result() + other.get_future().get();
}
