// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <thread>

namespace ferry::detail {

/// Which thread does something that no other may do; for assertions. Each thread sees whether it is
/// the one, which only that thread changes, so nothing pairs with it. Thread safety: safe.
class thread_mark {
public:
    void set() noexcept { id_.store(std::this_thread::get_id()); }
    void clear() noexcept { id_.store(std::thread::id()); }
    bool is_here() const noexcept { return id_.load() == std::this_thread::get_id(); }

private:
    std::atomic<std::thread::id> id_{};
};

} // namespace ferry::detail
