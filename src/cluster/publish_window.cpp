// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "publish_window.hpp"

namespace ferry::detail::cluster {

void publish_window::sent(const message& m, std::size_t bytes) {
    unsettled_[++sent_] = {m, bytes};
    bytes_ += bytes;
}

bool publish_window::settle(std::uint64_t number, bool multiple, std::vector<message>& tasks) {
    const auto last = unsettled_.upper_bound(number);
    const auto first = multiple ? unsettled_.begin() : unsettled_.find(number);
    if (first == unsettled_.end() || first == last)
        return false;
    for (auto it = first; it != last; ++it) {
        bytes_ -= it->second.bytes;
        if (it->second.what.number != 0)
            tasks.push_back(it->second.what);
    }
    unsettled_.erase(first, last);
    return true;
}

} // namespace ferry::detail::cluster
