// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <system_error>

namespace fetcher {

/// Raises the soft limit of descriptors as far as `wanted`, if the hard one permits; what it is
/// then.
std::size_t raise_descriptor_limit(std::size_t wanted);

/// Whether that happened because the process, or the system, has as many descriptors as it may have:
/// it can be tried again once others are closed.
bool is_lack_of_descriptors(const std::system_error& error);

/// Where one of the three standard descriptors is closed, opens something in its place that can
/// neither be read nor written, so that no connection or file gets its number.
void occupy_standard_descriptors();

} // namespace fetcher
