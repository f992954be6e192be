// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry::detail {

/// Whether run_worker_if_spawned was called in this process.
bool worker_entry_was_called() noexcept;
/// How many pools deep this process is: 0 where it is no worker.
int worker_depth() noexcept;

} // namespace ferry::detail
