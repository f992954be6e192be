// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/assert.hpp>
#include <ferry/detail/shared_state.hpp>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace ferry::detail {

/// Whether a pool is broken, which it stays, and why: as an `Error`. Thread safety: unsafe.
template <class Error>
class breakage {
public:
    /// Precondition: it is not broken yet. A text that is copied gets lost where there is no memory.
    template <class Text>
    void note(Text&& why) noexcept {
        FERRY_ASSERT(!broken_);
        broken_ = true;
        try {
            why_ = std::forward<Text>(why);
        } catch (const std::bad_alloc&) { // it is broken all the same, without a reason
        }
    }
    bool is_broken() const noexcept { return broken_; }
    /// Errors: `Error` if it is broken.
    void check() const {
        if (broken_)
            throw Error(why_);
    }
    /// Precondition: it is broken. Does not change any more then.
    std::exception_ptr error() const noexcept {
        FERRY_ASSERT(broken_);
        return error_or_shortage([this] { return make_error<Error>(why_); });
    }

private:
    bool broken_ = false;
    std::string why_;
};

} // namespace ferry::detail
