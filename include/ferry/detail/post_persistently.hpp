// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <exception>

namespace ferry::detail {

/// Something that this thread is just posting, which notices when it is destroyed unrun: that is no
/// reason to give it up where there was no memory for it.
class FERRY_DECL posting_attempt {
public:
    explicit posting_attempt(const void* what) noexcept;
    ~posting_attempt();
    posting_attempt(const posting_attempt&) = delete;
    posting_attempt& operator=(const posting_attempt&) = delete;

    bool destroyed() const noexcept { return destroyed_; }
    /// For the destructor of what is posted; true where it is the one of an attempt.
    static bool notices(const void* what) noexcept;

private:
    const void* const what_;
    posting_attempt* const outer_;
    bool destroyed_ = false;
};

/// Waits a little for memory, the longer the more often it was asked; false when that is in vain.
FERRY_DECL bool wait_for_memory(int attempt) noexcept;

/// Posts `what`, which holds something that must not be lost, again and again while there is no
/// memory for it; false where it still belongs to the caller.
template <class Post>
bool post_persistently(const void* what, Post&& post) noexcept {
    for (int i = 0;; ++i) {
        const posting_attempt attempt(what);
        try {
            post();
            return !attempt.destroyed();
        } catch (const std::exception&) {
            if (!attempt.destroyed())
                return true; // a strand has it
            if (!wait_for_memory(i))
                return false;
        }
    }
}

} // namespace ferry::detail
