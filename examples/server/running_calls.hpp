// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace server {

/// Which blocking calls are inside a thread right now, also those whose request was given up.
/// Thread safety: safe.
class running_calls : public std::enable_shared_from_this<running_calls> {
public:
    struct call {
        std::string label;
        std::chrono::steady_clock::time_point since;
    };

    /// The same function, which is listed under the label while it runs.
    template <class F>
    auto listed(std::string label, F function) {
        return [self = shared_from_this(), label = std::move(label),
                function]<class... A>(A&&... arguments) -> std::invoke_result_t<F, A...> {
            const entry listed(*self, label);
            return std::invoke(function, std::forward<A>(arguments)...);
        };
    }

    std::vector<call> all() const {
        const std::lock_guard lock(mutex_);
        return {calls_.begin(), calls_.end()};
    }

private:
    class entry {
    public:
        entry(running_calls& calls, const std::string& label) : calls_(calls) {
            const std::lock_guard lock(calls_.mutex_);
            calls_.calls_.push_front({label, std::chrono::steady_clock::now()});
            place_ = calls_.calls_.begin();
        }
        entry(const entry&) = delete;
        entry& operator=(const entry&) = delete;
        ~entry() {
            const std::lock_guard lock(calls_.mutex_);
            calls_.calls_.erase(place_);
        }

    private:
        running_calls& calls_;
        std::list<call>::iterator place_;
    };

    mutable std::mutex mutex_;
    std::list<call> calls_; // guarded by mutex_
};

} // namespace server
