// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry::detail {

/// How many calls of fork() lie between the first process and this one. A pool whose count was
/// another one has no threads here, and its mutex may be locked for ever.
unsigned fork_count() noexcept;

} // namespace ferry::detail
