// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>

namespace fetcher {

/// A URL as libcurl reads it.
struct parsed_url {
    std::string text;  ///< in a form that libcurl takes: blanks and the like percent-encoded
    std::string host;  ///< `scheme://host:port`: what connections are shared by
    std::string error; ///< why it cannot be fetched; otherwise empty
};

/// Reads what curl's command line would read; a missing scheme is http. Opens no connection.
parsed_url parse_url(const std::string& text);

/// Reads one URL after another as `parse_url` does, and remembers what came of the last server: most
/// URLs of a list have the same, and then a plain path is all that is new. Thread safety: unsafe.
class url_reader {
public:
    parsed_url read(const std::string& text);

private:
    std::string server_;  // how the last URL that could be used begins, up to its path
    std::string address_; // the same, as libcurl writes it
    std::string host_;
};

/// Why libcurl cannot use it as a proxy, whoever is asked through it; empty when it can. A missing
/// scheme is http.
std::string proxy_error(const std::string& text);

/// The last part of the path, without the query; may be empty.
std::string last_segment(const std::string& url);

} // namespace fetcher
