// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/assert.hpp>

/// What Ferry relies on, checked in debug builds: nothing with NDEBUG, and a call of the program's
/// own `boost::assertion_failed` with BOOST_ENABLE_ASSERT_HANDLER. It never has an effect of its
/// own.
#define FERRY_ASSERT(expression) BOOST_ASSERT(expression)

/// Whether FERRY_ASSERT checks anything.
#if defined(BOOST_ASSERT_IS_VOID)
#define FERRY_ASSERTS 0
#else
#define FERRY_ASSERTS 1
#endif
