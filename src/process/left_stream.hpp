// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"

namespace ferry::detail {

/// Passes what comes from the stream on to this process's standard error until it ends. For that of
/// a worker which has ended and left programs behind: they would die of writing to a stream that
/// nobody reads. Never fails, never blocks.
void keep_reading(descriptor stream) noexcept;

} // namespace ferry::detail
