// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry {

template <class T>
class future;
template <class T>
class promise;
class thread_pool;
struct task_options;

namespace detail {
struct access;
struct pool_access;
struct process_pool_access;
} // namespace detail

} // namespace ferry
