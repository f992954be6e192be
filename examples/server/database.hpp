// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

struct sqlite3;

namespace server {

/// A table of keys and values in an SQLite file. Its functions block, and only one may be called at
/// a time: the server calls them on a strand over a pool of threads.
class database {
public:
    /// Opens the file, or makes it. A call waits for at most `patience` while another process
    /// keeps the file locked. Throws `std::runtime_error`, as all functions do.
    database(const std::string& path, std::chrono::milliseconds patience);

    std::optional<std::string> get(const std::string& key);
    void put(const std::string& key, const std::string& value);

private:
    struct closer {
        void operator()(sqlite3* connection) const noexcept;
    };
    std::unique_ptr<sqlite3, closer> connection_;
};

} // namespace server
