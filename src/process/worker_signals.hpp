// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry::detail {

/// What a worker does with signals: the default where its pool's process ignores them, nothing on
/// an interrupt, and otherwise what the program, or a sanitizer, has installed already.
void reset_signals();

} // namespace ferry::detail
