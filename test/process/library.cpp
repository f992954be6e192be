// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A shared library whose function runs in a worker process.

#ifndef FACTOR
#define FACTOR 4
#endif

extern "C" int quadruple(int n) { return FACTOR * n; }
