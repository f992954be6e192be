// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>

namespace fetcher {

/// What a server said by which it can tell later whether its answer is still the same.
struct validators {
    std::string etag;     ///< as in `ETag`; sent back as `If-None-Match`
    std::string modified; ///< as in `Last-Modified`; sent back as `If-Modified-Since`

    bool empty() const noexcept { return etag.empty() && modified.empty(); }
};

} // namespace fetcher
