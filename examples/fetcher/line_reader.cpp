// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "line_reader.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace fetcher {
namespace {

constexpr std::size_t longest = 16 << 20;

[[noreturn]] void fail() {
    throw std::system_error(errno, std::generic_category(), "cannot read the list");
}

} // namespace

// The descriptor for a stop is taken here: later there may be none left.
line_reader::line_reader(unique_fd file)
    : file_(std::move(file)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (!wake_)
        fail();
}

// False at the end and after a stop.
bool line_reader::fill(const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [&] {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    });
    pollfd wanted[] = {{file_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    while (::poll(wanted, 2, -1) < 0)
        if (errno != EINTR)
            fail();
    if (stop.stop_requested())
        return false;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const auto old = buffer_.size();
    if (old > longest)
        throw std::length_error("a line of the list is longer than 16 MiB");
    constexpr std::size_t piece = 64 << 10;
    buffer_.resize(old + piece);
    ssize_t got = 0;
    do
        got = ::read(file_.get(), buffer_.data() + old, piece);
    while (got < 0 && errno == EINTR);
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0)
        fail();
    return got > 0;
}

std::vector<std::string> line_reader::read(std::size_t most, const std::stop_token& stop) {
    std::vector<std::string> lines;
    while (lines.size() < most && !ended_) {
        const auto end = buffer_.find('\n', begin_);
        if (end != std::string::npos) {
            lines.push_back(buffer_.substr(begin_, end - begin_));
            begin_ = end + 1;
        } else if (!lines.empty()) {
            break;
        } else if (!fill(stop)) {
            ended_ = true;
            if (begin_ < buffer_.size() && !stop.stop_requested())
                lines.push_back(buffer_.substr(begin_)); // the last one, without an end
        }
    }
    return lines;
}

} // namespace fetcher
