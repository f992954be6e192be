// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

namespace ferry::detail {

class shared_state_base;

/// One thing to do when a state completes. Owned by the state once registered; `fire` is called
/// exactly once unless it is removed before, and ends the object's life.
class FERRY_DECL continuation {
public:
    continuation(const continuation&) = delete;
    continuation& operator=(const continuation&) = delete;
    /// Lets only forced unwinding through. `state` is null unless it runs user code; whatever else
    /// it needs of the state it keeps by itself.
    virtual void fire(shared_state_base* state) = 0;
    virtual void destroy() noexcept = 0;

protected:
    /// `user_code`: firing runs code of unknown length, which needs the state. `brief`: it takes a
    /// moment, as it runs no code of the user at all.
    explicit continuation(bool user_code, bool brief = false) noexcept
        : user_code_(user_code), brief_(brief) {}
    virtual ~continuation() = default;

private:
    friend class shared_state_base;
    friend bool is_brief(const continuation& first) noexcept;
    friend void fire_all(continuation*& first, shared_state_base* state);
    continuation* next_ = nullptr;
    continuation* prev_ = nullptr;
    const bool user_code_;
    const bool brief_;
};

/// Whether firing a ring of them takes a moment only.
inline bool is_brief(const continuation& first) noexcept {
    return first.next_ == &first && first.brief_;
}

/// Fires a ring of continuations. Takes them from it one by one, so that `first` says what is left
/// when one of them is unwound.
inline void fire_all(continuation*& first, shared_state_base* state) {
    while (first != nullptr) {
        continuation* const c = first;
        if (c->next_ == c) {
            first = nullptr;
        } else {
            first = c->next_;
            first->prev_ = c->prev_;
            c->prev_->next_ = first;
        }
        c->fire(state);
    }
}

} // namespace ferry::detail
