// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#include <memory>
#include <stdexcept>

namespace {

// In a worker process it never opens.
std::unique_ptr<gate> open_here = std::make_unique<gate>();

int same(int n) { return n; }
int stay(int n) {
    open_here->pass();
    return n;
}
int fail_odd(int n) {
    if (n % 2 != 0)
        throw std::out_of_range("odd");
    return n;
}

} // namespace
