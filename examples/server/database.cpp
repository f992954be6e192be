// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "database.hpp"

#include <sqlite3.h>

#include <stdexcept>

namespace server {
namespace {

[[noreturn]] void fail(sqlite3* connection) {
    throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(connection));
}

/// One execution of a statement.
class statement {
public:
    statement(sqlite3* connection, const char* text) : connection_(connection) {
        if (sqlite3_prepare_v2(connection, text, -1, &handle_, nullptr) != SQLITE_OK)
            fail(connection);
    }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;
    ~statement() { sqlite3_finalize(handle_); }

    statement& bind(int place, const std::string& text) {
        if (sqlite3_bind_text64(handle_, place, text.data(), text.size(), SQLITE_TRANSIENT,
                                SQLITE_UTF8) != SQLITE_OK)
            fail(connection_);
        return *this;
    }
    /// Returns true if there is a row.
    bool step() {
        const int result = sqlite3_step(handle_);
        if (result != SQLITE_ROW && result != SQLITE_DONE)
            fail(connection_);
        return result == SQLITE_ROW;
    }
    std::string text(int column) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
        return {bytes, bytes + sqlite3_column_bytes(handle_, column)};
    }

private:
    sqlite3* connection_;
    sqlite3_stmt* handle_ = nullptr;
};

} // namespace

void database::closer::operator()(sqlite3* connection) const noexcept { sqlite3_close(connection); }

database::database(const std::string& path, std::chrono::milliseconds patience) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open(path.c_str(), &opened);
    connection_.reset(opened);
    if (result != SQLITE_OK)
        fail(opened);
    sqlite3_busy_timeout(opened, static_cast<int>(patience.count()));
    statement(opened, "CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value TEXT)").step();
}

std::optional<std::string> database::get(const std::string& key) {
    statement select(connection_.get(), "SELECT value FROM pairs WHERE key = ?");
    if (!select.bind(1, key).step())
        return std::nullopt;
    return select.text(0);
}

void database::put(const std::string& key, const std::string& value) {
    statement insert(connection_.get(), "INSERT OR REPLACE INTO pairs VALUES (?, ?)");
    insert.bind(1, key).bind(2, value).step();
}

} // namespace server
