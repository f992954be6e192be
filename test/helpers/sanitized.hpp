// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

/// 1 under AddressSanitizer and ThreadSanitizer, which need more stack, memory and time.
#define FERRY_SANITIZED (FERRY_ASAN || FERRY_TSAN)
