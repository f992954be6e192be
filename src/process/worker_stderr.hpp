// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ferry::detail {

/// What a worker process writes to its standard error: it is passed on to that of this process, and
/// its end is kept for the errors that tell of the worker. For the reader.
///
/// Invariants:
/// - No reading blocks. While nothing can be written to the standard error of this process, the
///   text stays in the worker's pipe, so that none is lost; only the last reading keeps it without
///   passing it on.
/// - `tail` is the end of what was read, with no more than `most_kept` bytes.
class worker_stderr {
public:
    static constexpr std::size_t most_kept = 4096;

    worker_stderr() noexcept = default;
    /// Reads from `pipe`, which must not block.
    explicit worker_stderr(descriptor pipe) noexcept : pipe_(std::move(pipe)) {}

    /// What to wait for: it is readable when the worker has written something, or has ended.
    int file() const noexcept { return pipe_.get(); }

    enum class state {
        open,    ///< more may come
        blocked, ///< this process cannot write now: what is left is to be read later
        ended    ///< nobody can write to it any more
    };
    /// Takes in what there is, up to a limit. `last`: nobody reads it after this.
    state read(bool last) noexcept;

    const std::string& tail() const noexcept { return tail_; }
    /// Adds something that the worker did not write. Errors: `std::bad_alloc`.
    void append_note(std::string_view text) { tail_ += text; }

    /// Gives the pipe away, because programs that the worker has started still write to it.
    descriptor take_file() noexcept { return std::move(pipe_); }

private:
    void keep(std::string_view text) noexcept;

    descriptor pipe_;
    std::string tail_;
};

} // namespace ferry::detail
