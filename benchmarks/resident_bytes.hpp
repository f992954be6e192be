// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <fstream>

#include <unistd.h>

/// Bytes of memory that the process has in use, as the kernel sees it.
inline double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    double size = 0;
    double pages = 0;
    in >> size >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}
