// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#if !defined(FERRY_CANNOT_BE_COMPILED)
#include <ferry/as_completed.hpp>
#include <ferry/awaited.hpp>
#include <ferry/context_hook.hpp>
#include <ferry/context_value.hpp>
#include <ferry/default_executor.hpp>
#include <ferry/error.hpp>
#include <ferry/future.hpp>
#include <ferry/gather.hpp>
#include <ferry/loop_watch.hpp>
#include <ferry/map.hpp>
#include <ferry/metrics.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/progress.hpp>
#include <ferry/promise.hpp>
#include <ferry/resilience/backoff.hpp>
#include <ferry/resilience/circuit_breaker.hpp>
#include <ferry/resilience/retry.hpp>
#include <ferry/resilience/retry_policy.hpp>
#include <ferry/run.hpp>
#include <ferry/run_coroutine_threadsafe.hpp>
#include <ferry/run_in_executor.hpp>
#include <ferry/shield.hpp>
#include <ferry/stack_frame.hpp>
#include <ferry/stats.hpp>
#include <ferry/submit.hpp>
#include <ferry/task_group.hpp>
#include <ferry/task_options.hpp>
#include <ferry/thread_pool.hpp>
#include <ferry/timeout.hpp>
#include <ferry/to_thread.hpp>
#include <ferry/trace.hpp>
#include <ferry/unhandled.hpp>
#include <ferry/use_future.hpp>
#include <ferry/wait.hpp>
#include <ferry/wait_for.hpp>
#endif
