// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <vector>

namespace ferry::detail {

/// On which processors, in which class and how nicely a thread runs.
class scheduling {
public:
    /// Nothing: what it is applied to stays as it is.
    scheduling() noexcept = default;
    static scheduling of_this_thread();

    /// The same on those processors only.
    void set_processors(const std::vector<int>& numbers);
    /// The same, nicer by that much.
    void add_nice(int more) noexcept { nice_ += more; }
    /// Whether a thread of this process may run on each of those processors, which need not exist.
    /// Errors: `std::system_error` if no thread can be started to try it.
    static bool allows(const std::vector<int>& numbers);

    /// Makes the calling thread run so, as far as it may. Neither allocates nor throws.
    void apply() const noexcept;

private:
    std::vector<unsigned long> processors_; // a bit for each
    int policy_ = -1;
    int priority_ = 0;
    int nice_ = 0;
};

} // namespace ferry::detail
