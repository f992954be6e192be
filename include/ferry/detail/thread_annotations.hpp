// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// Clang checks with -Wthread-safety that what is guarded is only touched under its lock.
#if defined(__clang__)
#define FERRY_ANNOTATION(x) __attribute__((x))
#else
#define FERRY_ANNOTATION(x)
#endif
#define FERRY_GUARDED_BY(x) FERRY_ANNOTATION(guarded_by(x))
/// For a pointer: what it points to is guarded.
#define FERRY_PT_GUARDED_BY(x) FERRY_ANNOTATION(pt_guarded_by(x))
#define FERRY_REQUIRES(...) FERRY_ANNOTATION(requires_capability(__VA_ARGS__))
#define FERRY_EXCLUDES(...) FERRY_ANNOTATION(locks_excluded(__VA_ARGS__))
/// For functions that let go of a lock that they were given, and take it again.
#define FERRY_UNCHECKED FERRY_ANNOTATION(no_thread_safety_analysis)
