// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "pool_state.hpp"

namespace ferry::detail {

/// The figures of a pool, and those by label; nothing in a child of fork().
pool_stats read_stats(pool_state& pool) FERRY_EXCLUDES(pool.mutex);
label_registry::figures read_stats_by_label(pool_state& pool) FERRY_EXCLUDES(pool.mutex);

} // namespace ferry::detail
