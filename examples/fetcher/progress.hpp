// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "options.hpp"
#include "report.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace fetcher {

/// How far a run is, on standard error: a bar that is drawn anew, or lines.
/// Thread safety: unsafe; one thread at a time.
class progress {
public:
    using clock = std::chrono::steady_clock;

    /// `automatic` is a bar where standard error is a terminal.
    explicit progress(progress_kind kind);

    /// When there is something to show again; never when nothing is shown.
    clock::time_point due() const noexcept { return due_; }
    /// Shows it when it is time to, or when the bar was removed.
    void show(const report& of, std::size_t in_flight, clock::time_point now);
    /// Removes the bar, so that something else can be written.
    void clear();
    /// Shows it a last time, or removes it.
    void finish(const report& of, clock::time_point now);
    /// A line of its own, from the program to whoever watches it.
    void say(const std::string& text);
    /// Text that consists of lines already.
    void write(const std::string& text);

    /// One line, `width` characters at most.
    static std::string text(const report& of, std::size_t in_flight, clock::time_point now,
                            bool with_bar, std::size_t width);

private:
    progress_kind kind_;
    clock::duration interval_{};
    clock::time_point due_ = clock::time_point::max();
    bool drawn_ = false;
    bool removed_ = false; // since it was last drawn
};

} // namespace fetcher
