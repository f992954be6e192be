// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "picture.hpp"

#include <ferry/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ferry::detail {

/// A duration as people read it: `12 us`, `3.4 ms`, `2.1 s`, `1:02:03`.
std::string readable(std::uint64_t nanoseconds);

/// Valid UTF-8 without control characters, so that a label cannot move a terminal's cursor.
std::string printable(std::string_view text);

/// The pools with their workers and tasks.
FERRY_DECL std::string ps_text(const picture& p);
/// Who waits for whom.
FERRY_DECL std::string pstree_text(const picture& p);
/// One table row for each pool; rates are since the picture before.
FERRY_DECL std::string watch_text(const picture& p, const picture& before);

} // namespace ferry::detail
