// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>

/// Knows which tracked objects live. Thread-safe.
class ledger {
public:
    void born(const void* p, std::size_t alignment) {
        const std::lock_guard lock(mutex_);
        ++births_;
        errors_ += alive_.insert(p).second ? 0 : 1;
        errors_ += reinterpret_cast<std::uintptr_t>(p) % alignment == 0 ? 0 : 1;
    }
    void died(const void* p) {
        const std::lock_guard lock(mutex_);
        errors_ += alive_.erase(p) == 1 ? 0 : 1;
    }
    std::size_t alive() const {
        const std::lock_guard lock(mutex_);
        return alive_.size();
    }
    std::size_t births() const {
        const std::lock_guard lock(mutex_);
        return births_;
    }
    /// True when nothing lives, and each object was aligned, and destroyed exactly once.
    bool clean() const {
        const std::lock_guard lock(mutex_);
        return alive_.empty() && errors_ == 0;
    }
    /// The same where there was something.
    bool balanced() const { return births() > 0 && clean(); }

private:
    mutable std::mutex mutex_;
    std::set<const void*> alive_;
    std::size_t births_ = 0;
    std::size_t errors_ = 0;
};

/// An object that a ledger knows. Not default-constructible.
template <std::size_t Alignment = alignof(void*), bool Copyable = true, bool NothrowMove = true>
class alignas(Alignment) tracked_as {
public:
    explicit tracked_as(std::shared_ptr<ledger> l, int v = 0) : value(v), ledger_(std::move(l)) {
        ledger_->born(this, Alignment);
    }
    tracked_as(const tracked_as& o)
        requires Copyable
        : value(o.value), ledger_(o.ledger_) {
        ledger_->born(this, Alignment);
    }
    tracked_as(tracked_as&& o) noexcept(NothrowMove) : value(o.value), ledger_(o.ledger_) {
        ledger_->born(this, Alignment);
    }
    tracked_as& operator=(const tracked_as&) = delete;
    ~tracked_as() { ledger_->died(this); }

    int value;

private:
    std::shared_ptr<ledger> ledger_;
};

using tracked = tracked_as<>;
