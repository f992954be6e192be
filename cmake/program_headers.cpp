// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Nothing: a place for the precompiled headers of the examples.
