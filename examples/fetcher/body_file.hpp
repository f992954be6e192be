// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "byte_budget.hpp"
#include "output_path.hpp"
#include "sha256.hpp"
#include "unique_fd.hpp"

#include <ferry/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fetcher {

/// A file that a large body goes to while it arrives. Threads of a pool write and hash, so that a
/// slow disk holds up neither the worker that receives nor its other transfers. What waits to be
/// written is bounded: beyond that, the transfer has to pause.
/// Thread safety: safe, but `write` and `finish` must not be called at the same time.
///
/// Invariants: bytes are in `waiting_` or in the file, in their order. Whoever takes them out of
/// `waiting_` holds `file_mutex_` until they are written.
class body_file : public std::enable_shared_from_this<body_file> {
public:
    using file = std::variant<output_file, unique_fd>;

    /// `writers` may be null: then `write` writes itself. `room` is called, by a writer, when there
    /// is room again after `write` returned false. `hash`, if any, is of what `begin` gets.
    body_file(file into, std::optional<sha256> hash, byte_budget& budget,
              ferry::thread_pool* writers, std::function<void()> room);
    ~body_file();
    body_file(const body_file&) = delete;
    body_file& operator=(const body_file&) = delete;

    /// The first bytes, which are hashed already, and what they took of the budget. They are
    /// written with the next ones.
    void begin(std::string first, std::size_t taken);
    /// Copies the data. False, and nothing is taken, when too much waits already. Throws
    /// `std::system_error` when a write failed, now or earlier.
    bool write(std::string_view data);
    /// Nobody wants it any more: what waits is not written.
    void abandon() noexcept { abandoned_ = true; }
    /// Writes what waits. Blocks. Throws `std::system_error`.
    void finish();
    /// After `finish`: the file, and the hash if there is one.
    file& content() noexcept { return file_; }
    std::optional<sha256>& hash() noexcept { return hash_; }

private:
    void write_waiting();

    byte_budget& budget_;
    ferry::thread_pool* const writers_;
    const std::function<void()> room_;
    std::atomic<bool> abandoned_{false};

    std::mutex mutex_;
    std::string waiting_;      // guarded by mutex_
    std::size_t hashed_ = 0;   // guarded by mutex_: so many of the first bytes in waiting_
    std::size_t taken_ = 0;    // guarded by mutex_: of the budget, for waiting_
    bool scheduled_ = false;   // guarded by mutex_: a writer will look at waiting_
    bool paused_ = false;      // guarded by mutex_: room_ is to be called
    std::exception_ptr error_; // guarded by mutex_

    std::mutex file_mutex_; // before mutex_
    file file_;             // guarded by file_mutex_, as hash_; after `finish` by nothing
    std::optional<sha256> hash_;
};

} // namespace fetcher
