// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#if !defined(FERRY_CANNOT_BE_COMPILED)
#include <ferry/process/context.hpp>
#include <ferry/process/exception.hpp>
#include <ferry/process/options.hpp>
#include <ferry/process/resolve.hpp>
#include <ferry/process/run_in_executor.hpp>
#include <ferry/process/run_worker_if_spawned.hpp>
#include <ferry/process/serialize.hpp>
#include <ferry/process/shared_bytes.hpp>
#include <ferry/process_pool.hpp>
#endif
