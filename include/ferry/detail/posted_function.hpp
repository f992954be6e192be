// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/memory.hpp>
#include <ferry/detail/work_item.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// What `allocate` gives; tries again for half a second while there is no memory. A strand that
/// could not post its turn would never run again, and cannot be told.
template <class F>
void* allocate_patiently(F allocate) {
    for (int milliseconds = 1;; milliseconds *= 2) {
        try {
            return allocate();
        } catch (const std::bad_alloc&) {
            if (milliseconds > 256)
                throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    }
}

/// A function without a future in a pool's queue. Its memory is free again before it runs.
template <class F>
class posted_function final : public work_item {
public:
    template <class F2>
        requires(!std::same_as<std::remove_cvref_t<F2>, posted_function>)
    explicit posted_function(F2&& f) : function_(std::forward<F2>(f)) {}

    void run() override {
        std::unique_ptr<posted_function> self(this);
        F f(std::move(function_));
        self.reset();
        f();
    }
    void drop(std::exception_ptr) noexcept override { delete this; }

    static void* operator new(std::size_t size) {
        return allocate_patiently([size] {
            if constexpr (in_arena())
                return arena_allocate(size);
            else
                return ::operator new(size, std::align_val_t(alignof(posted_function)));
        });
    }
    static void operator delete(void* p) noexcept {
        if constexpr (in_arena())
            arena_deallocate(p);
        else
            ::operator delete(p, std::align_val_t(alignof(posted_function)));
    }

private:
    static constexpr bool in_arena() noexcept {
        return sizeof(posted_function) <= arena_object_limit &&
               alignof(posted_function) <= arena_alignment;
    }

    F function_;
};

} // namespace ferry::detail
