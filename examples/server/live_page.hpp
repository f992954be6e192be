// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace server {

/// The page at `/`: one text that loads nothing from anywhere but `/events`.
extern const char* const live_page;

} // namespace server
