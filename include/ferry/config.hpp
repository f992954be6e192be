// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

/// The version of the library: major * 10000 + minor * 100 + patch.
#define FERRY_VERSION 100

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "Ferry needs C++20"
#endif
