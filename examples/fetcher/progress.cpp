// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "progress.hpp"

#include "text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace fetcher {
namespace {

void write_error(const std::string& text) {
    std::string_view left = text;
    while (!left.empty()) {
        const auto written = ::write(STDERR_FILENO, left.data(), left.size());
        if (written <= 0)
            return; // nobody is left to be told
        left.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

std::string clock_text(double seconds) {
    char text[32];
    const auto whole = static_cast<long long>(seconds + 0.5);
    if (whole >= 3600)
        std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                      whole % 60);
    else
        std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
    return text;
}

} // namespace

progress::progress(progress_kind kind) : kind_(kind) {
    interval_ = std::chrono::seconds(1);
    if (kind == progress_kind::automatic) {
        kind_ = ::isatty(STDERR_FILENO) == 1 ? progress_kind::bar : progress_kind::lines;
        interval_ = std::chrono::seconds(10);
    }
    if (kind_ == progress_kind::bar)
        interval_ = std::chrono::milliseconds(100);
    if (kind_ != progress_kind::none)
        due_ = clock::now() + interval_;
}

std::string progress::text(const report& of, std::size_t in_flight, clock::time_point now,
                           bool with_bar, std::size_t width) {
    const double elapsed = std::chrono::duration<double>(now - of.begin()).count();
    const double rate = elapsed > 0 ? static_cast<double>(of.done()) / elapsed : 0;
    std::string result = std::to_string(of.done());
    std::string rest = std::to_string(static_cast<long long>(rate + 0.5)) + "/s";
    rest += ", " + std::to_string(of.failed()) + " failed, " + std::to_string(in_flight) +
            " under way, " + size_text(of.bytes());
    if (of.total()) {
        result += "/" + std::to_string(*of.total());
        if (rate > 0 && *of.total() > of.done())
            rest +=
                ", " + clock_text(static_cast<double>(*of.total() - of.done()) / rate) + " left";
    }
    result += "  " + rest;
    if (with_bar && of.total() && *of.total() > 0 && result.size() + 14 < width) {
        const std::size_t cells = std::min<std::size_t>(width - result.size() - 4, 30);
        const std::size_t filled = std::min<std::size_t>(of.done() * cells / *of.total(), cells);
        result = "[" + std::string(filled, '#') + std::string(cells - filled, '.') + "] " + result;
    }
    result.resize(std::min(result.size(), width - 1));
    return result;
}

void progress::show(const report& of, std::size_t in_flight, clock::time_point now) {
    const bool bar = kind_ == progress_kind::bar;
    if (now < due_ && !(bar && removed_))
        return;
    due_ = now + interval_;
    removed_ = false;
    const std::string line = text(of, in_flight, now, bar, bar ? terminal_width() : 200);
    write_error(bar ? "\r\x1b[K" + line : "fetcher: " + line + "\n");
    drawn_ = bar;
}

void progress::clear() {
    if (drawn_)
        write_error("\r\x1b[K");
    removed_ = removed_ || drawn_;
    drawn_ = false;
}

void progress::finish(const report& of, clock::time_point now) {
    clear();
    if (kind_ == progress_kind::lines && interval_ == std::chrono::seconds(1))
        write_error("fetcher: " + text(of, 0, now, false, 200) + "\n");
}

void progress::say(const std::string& text) { write("fetcher: " + text + "\n"); }

void progress::write(const std::string& text) {
    clear();
    write_error(text);
}

} // namespace fetcher
