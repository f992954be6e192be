// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "dispatch_workers.hpp"

#include <algorithm>

namespace ferry::detail {

std::size_t dispatch_workers::starting() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        all_, [](const auto& w) { return w.life.now() == worker_lifecycle::stage::starting; }));
}

std::size_t dispatch_workers::idle() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(all_, [](const auto& w) {
        return w.load() == 0 && (w.life.now() == worker_lifecycle::stage::starting ||
                                 w.life.now() == worker_lifecycle::stage::serving);
    }));
}

bool dispatch_workers::any_serves() const noexcept {
    return std::ranges::any_of(
        all_, [](const auto& w) { return w.life.now() == worker_lifecycle::stage::serving; });
}

bool dispatch_workers::any_held() const noexcept {
    return std::ranges::any_of(all_, [](const auto& w) { return w.life.held() != 0; });
}

std::size_t dispatch_workers::held_behind() const noexcept {
    std::size_t n = 0;
    for (const auto& w : all_)
        n += w.load() > 1 ? w.load() - 1 : 0;
    return n;
}

dispatch_worker* dispatch_workers::fullest() noexcept {
    dispatch_worker* found = nullptr;
    for (auto& w : all_) {
        if (w.life.held() >= 2 && (found == nullptr || w.life.held() > found->life.held()))
            found = &w;
    }
    return found;
}

} // namespace ferry::detail
