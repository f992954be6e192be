// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "unique_fd.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace fetcher {

/// What is written to standard output: collected on the event loop, and written by a thread of a
/// pool, so that a reader who is slow stops neither transfers nor Ctrl-C.
/// Thread safety: unsafe; on the event loop only.
class output_writer {
public:
    /// `on_change` is called when something was written or could not be.
    output_writer(boost::asio::any_io_executor executor, ferry::thread_pool& pool, int fd,
                  std::function<void()> on_change);

    void add(std::string text);
    /// All of the file's content.
    void add(unique_fd file);
    /// Bodies stand on lines of their own: begins one, if something is there already that did not
    /// end its line.
    void begin_body();
    /// Lets what was added be written, if nothing is being written.
    void start();

    bool idle() const noexcept { return !writing_ && size_ == 0; }
    /// What waits for `start`, in bytes or so.
    std::size_t size() const noexcept { return size_; }
    bool full() const noexcept { return size_ > most; }
    /// Why something could not be written; empty when all could.
    const std::string& error() const noexcept { return error_; }

    /// What is written at a time: a text, then a file's content.
    struct piece {
        std::string text;
        unique_fd file;
    };

private:
    static constexpr std::size_t most = 1 << 20;
    boost::asio::awaitable<void> write();

    const boost::asio::any_io_executor executor_;
    ferry::thread_pool& pool_;
    const int fd_;
    const std::function<void()> on_change_;
    std::vector<piece> pieces_;
    std::size_t size_ = 0;
    bool writing_ = false;
    bool line_open_ = false;
    std::string error_;
};

} // namespace fetcher
