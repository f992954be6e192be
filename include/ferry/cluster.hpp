// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process.hpp>

#if !defined(FERRY_CANNOT_BE_COMPILED)
#include <ferry/cluster/cluster_pool.hpp>
#include <ferry/cluster/code_table.hpp>
#include <ferry/cluster/options.hpp>
#include <ferry/cluster/run_in_executor.hpp>
#include <ferry/cluster/serve_cluster_worker.hpp>
#endif
