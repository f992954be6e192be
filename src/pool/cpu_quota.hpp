// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <filesystem>

namespace ferry::detail {

/// How many processors the quotas of this process's control group and of the groups above it allow,
/// rounded up; the largest number where there is none. Both versions of control groups count.
/// `root` stands for "/" before every path that is read.
std::size_t cpus_by_quota(const std::filesystem::path& root);

} // namespace ferry::detail
