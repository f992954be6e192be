// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "output_writer.hpp"

#include "output_path.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace asio = boost::asio;

namespace fetcher {
namespace {

void copy(int from, int to) {
    std::array<char, 64 << 10> buffer;
    for (off_t at = 0;;) {
        const auto got = ::pread(from, buffer.data(), buffer.size(), at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw std::system_error(errno, std::generic_category(), "cannot read a body again");
        if (got == 0)
            return;
        write_all(to, {buffer.data(), static_cast<std::size_t>(got)});
        at += got;
    }
}

/// Runs in the pool. Why it could not be done; empty when it was.
std::string write_pieces(int fd, std::vector<output_writer::piece> pieces) {
    try {
        for (const auto& each : pieces) {
            write_all(fd, each.text);
            if (each.file)
                copy(each.file.get(), fd);
        }
        return {};
    } catch (const std::system_error& e) {
        return e.what();
    }
}

/// Whether a file ends within a line.
bool ends_open(int fd) {
    char last = '\n';
    const auto size = ::lseek(fd, 0, SEEK_END);
    return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

} // namespace

output_writer::output_writer(asio::any_io_executor executor, ferry::thread_pool& pool, int fd,
                             std::function<void()> on_change)
    : executor_(std::move(executor)), pool_(pool), fd_(fd), on_change_(std::move(on_change)) {}

void output_writer::add(std::string text) {
    if (text.empty())
        return;
    line_open_ = text.back() != '\n';
    size_ += text.size();
    if (pieces_.empty() || pieces_.back().file)
        pieces_.emplace_back();
    if (pieces_.back().text.empty())
        pieces_.back().text = std::move(text);
    else
        pieces_.back().text += text;
}

void output_writer::add(unique_fd file) {
    line_open_ = ends_open(file.get());
    if (pieces_.empty() || pieces_.back().file)
        pieces_.emplace_back();
    pieces_.back().file = std::move(file);
    size_ += most / 4; // its size does not matter, but neither may there be any number of them
}

void output_writer::begin_body() {
    if (line_open_)
        add("\n");
}

void output_writer::start() {
    if (writing_ || size_ == 0)
        return;
    writing_ = true;
    asio::co_spawn(executor_, write(), asio::detached);
}

asio::awaitable<void> output_writer::write() {
    while (size_ > 0) {
        size_ = 0;
        auto pieces = std::exchange(pieces_, {});
        if (!error_.empty())
            break;
        error_ = co_await ferry::run_in_executor(pool_, &write_pieces, fd_, std::move(pieces));
        on_change_();
    }
    writing_ = false;
    on_change_();
}

} // namespace fetcher
