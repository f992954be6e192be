// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

/// FERRY_SANITIZED is 1 under AddressSanitizer and ThreadSanitizer, which need more stack, memory
/// and time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FERRY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FERRY_SANITIZED 1
#endif
#endif
#ifndef FERRY_SANITIZED
#define FERRY_SANITIZED 0
#endif
