// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A shared library whose function runs in a worker process.

extern "C" int quadruple(int n) { return 4 * n; }
