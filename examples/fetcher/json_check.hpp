// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace fetcher {

/// Whether a body is JSON, told while it arrives: no tree is built and nothing is kept, so that its
/// size does not matter. One value or several (JSON lines) are JSON; so is a body with nothing but
/// blanks, which is what 204 brings, and a byte order mark at the beginning is passed over.
class json_check {
public:
    json_check();
    ~json_check();
    json_check(json_check&&) noexcept;
    json_check& operator=(json_check&&) noexcept;

    void write(std::string_view more);
    /// What is wrong; empty when all of it was JSON. Nothing may be written afterwards.
    std::string finish();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace fetcher
