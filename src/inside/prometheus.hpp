// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "observed.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace ferry::detail {

/// The text as the value of a label: valid UTF-8 between quotes.
std::string prometheus_label(std::string_view text);

/// The text format of Prometheus. Keeps at most that many labels of a pool apart.
std::string prometheus_text(const all_figures& figures, std::size_t max_labels);

} // namespace ferry::detail
