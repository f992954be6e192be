// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/task_label.hpp>

#include <cstddef>
#include <utility>

namespace ferry::detail {

/// Text for a reader that must not allocate: whoever reads it may have interrupted the thread.
struct note_text {
    char* to;
    std::size_t room;
    std::size_t size = 0;  // of the text
    task_label label = {}; // if there is no text; what it refers to lives as long as the program
};

/// What the calling thread is doing, for whoever interrupts it. Entries are on its stack.
class FERRY_DECL thread_note {
public:
    using describe = void (*)(const void* of, note_text& out) noexcept;

    /// While it lives the thread waits for something.
    thread_note(const void* of, describe d) noexcept
        : of_(of), describe_(d), outer_(std::exchange(current, this)) {}
    ~thread_note() { current = outer_; }
    thread_note(const thread_note&) = delete;
    thread_note& operator=(const thread_note&) = delete;

    void read(note_text& out) const noexcept { describe_(of_, out); }

    static constinit thread_local const thread_note* current;
    /// Describes the task that the calling thread runs, if there is one. Set by whoever runs tasks.
    using describe_running = void (*)(note_text& out) noexcept;
    static describe_running running;

private:
    const void* const of_;
    const describe describe_;
    const thread_note* const outer_;
};

} // namespace ferry::detail
