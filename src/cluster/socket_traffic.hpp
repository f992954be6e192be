// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <optional>

namespace ferry::detail::cluster {

/// How many bytes a TCP socket has received, and has sent and had acknowledged; nothing if the
/// kernel does not tell.
std::optional<std::uint64_t> socket_traffic(int file) noexcept;

} // namespace ferry::detail::cluster
