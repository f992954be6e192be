// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>

namespace ferry::detail {

/// Errors: `std::invalid_argument` that names the option which cannot be used, and says why.
void check(const process_pool_options& options);

} // namespace ferry::detail
