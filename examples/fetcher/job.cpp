// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "job.hpp"

namespace fetcher {

const char* name_of(failure what) {
    switch (what) {
    case failure::none: return "none";
    case failure::url: return "url";
    case failure::dns: return "dns";
    case failure::connect: return "connect";
    case failure::tls: return "tls";
    case failure::timeout: return "timeout";
    case failure::stall: return "stall";
    case failure::closed: return "closed";
    case failure::protocol: return "protocol";
    case failure::redirects: return "redirects";
    case failure::status: return "status";
    case failure::json: return "json";
    case failure::checksum: return "checksum";
    case failure::too_large: return "too-large";
    case failure::output: return "output";
    case failure::circuit_open: return "circuit-open";
    case failure::descriptors: return "descriptors";
    case failure::gave_up: return "gave-up";
    case failure::other: break;
    }
    return "other";
}

std::string job::output_path() const {
    if (output.empty() || root.empty() || root == ".")
        return output;
    return root.ends_with('/') ? root + output : root + '/' + output;
}

} // namespace fetcher
