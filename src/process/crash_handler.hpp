// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "crash_record.hpp"

namespace ferry::detail {

/// Has the fatal signals SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT written down with the frames
/// of the guilty thread, before the handler that was there, or the system, deals with them as if
/// this one did not exist. The calling thread gets a stack for signals, if it has none, so that an
/// overflow of its own stack can be told as well. Call it once, before there are tasks.
///
/// The handler allocates nothing and takes no lock. Its search for frames ends after 100 ms, and
/// then the process does.
void install_crash_handler(crash_record& record) noexcept;

/// Tells the handler which task runs; 0: none.
void note_running_task(std::uint64_t number) noexcept;

} // namespace ferry::detail
