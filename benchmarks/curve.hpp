// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Draws throughput over pool size.
#pragma once

#include "pool_load.hpp"

#include <iosfwd>
#include <span>
#include <string>

/// As bars of characters, one line for each size; `taken` is marked.
void draw_bars(std::ostream& out, std::span<const load_point> points, std::size_t taken);
/// As an SVG, with a logarithmic axis of sizes.
void draw_svg(std::ostream& out, std::span<const load_point> points, std::size_t taken,
              const std::string& title);
