// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/post_persistently.hpp>

#include <ferry/detail/assert.hpp>

#include <chrono>
#include <thread>
#include <utility>

namespace ferry::detail {

namespace {

thread_local posting_attempt* attempts = nullptr;

} // namespace

posting_attempt::posting_attempt(const void* what) noexcept
    : what_(what), outer_(std::exchange(attempts, this)) {}
posting_attempt::~posting_attempt() {
    FERRY_ASSERT(attempts == this); // they nest
    attempts = outer_;
}
bool posting_attempt::notices(const void* what) noexcept {
    for (auto* a = attempts; a != nullptr; a = a->outer_) {
        if (a->what_ == what) {
            a->destroyed_ = true;
            return true;
        }
    }
    return false;
}

bool wait_for_memory(int attempt) noexcept {
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt < 10 ? 0 : 1));
    return attempt < 5000;
}

} // namespace ferry::detail
