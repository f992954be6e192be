// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/timeout.hpp>

namespace ferry::detail {

std::string text_of(const timeout& limit) {
    if (!limit.limited())
        return "no limit";
    const auto ns = std::chrono::nanoseconds(*limit.limit()).count();
    struct unit {
        long long ns;
        const char* name;
    };
    for (const unit u : {unit{1'000'000'000, "s"}, unit{1'000'000, "ms"}, unit{1'000, "us"}}) {
        if (ns % u.ns == 0)
            return std::to_string(ns / u.ns) + u.name;
    }
    return std::to_string(ns) + "ns";
}

} // namespace ferry::detail
