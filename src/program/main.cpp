// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The program `ferry`: looks into a running program that uses Ferry.
#include "target.hpp"

#include "inside/chrome_trace.hpp"
#include "inside/picture_text.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using ferry::detail::target;

constexpr char usage[] =
    "usage: ferry ps PID               pools, and the tasks that run, wait and are awaited\n"
    "       ferry pstree PID           who waits for whom\n"
    "       ferry trace PID [SECONDS]  the last events, or those of the next seconds, in Chrome's\n"
    "                                  trace format; open it in ui.perfetto.dev\n"
    "       ferry watch PID            a table that is renewed each second, until the process "
    "ends\n"
    "       ferry --version\n";

/// What is left of the program's life.
enum exit_status { success = 0, refused = 1, wrong_usage = 2 };

std::optional<pid_t> process_number(std::string_view text) {
    pid_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value <= 0)
        return {};
    return value;
}
std::optional<double> positive(const char* text) {
    // Not std::from_chars, which libc++ has for whole numbers only.
    if (*text == '\0' || text[std::strspn(text, "0123456789.eE+-")] != '\0')
        return {};
    char* end = nullptr;
    const double value = std::strtod(text, &end);
    if (*end != '\0' || !(value > 0) || value > std::numeric_limits<double>::max()) // infinite
        return {};
    return value;
}

void print(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw ferry::detail::cannot_look(std::string("the output cannot be written: ") +
                                         std::strerror(errno));
}

void watch(target& t) {
    const bool on_terminal = ::isatty(STDOUT_FILENO) != 0;
    ferry::detail::picture before = t.look();
    while (t.lives()) {
        std::this_thread::sleep_for(1s);
        ferry::detail::picture p = t.look();
        print((on_terminal ? "\x1b[H\x1b[2J" : "") + ferry::detail::watch_text(p, before) +
              (on_terminal ? "" : "\n"));
        before = std::move(p);
    }
    print("the process has ended\n");
}

int run(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (argc == 2 && (command == "--help" || command == "-h" || command == "help")) {
        print(usage);
        return success;
    }
    if (argc == 2 && command == "--version") {
        print("ferry " FERRY_PROGRAM_VERSION ", recording version " +
              std::to_string(ferry::detail::recording::version) + '\n');
        return success;
    }
    const bool known =
        command == "ps" || command == "pstree" || command == "trace" || command == "watch";
    if (!known || argc < 3 || argc > (command == "trace" ? 4 : 3)) {
        std::fputs(usage, stderr);
        return wrong_usage;
    }
    const auto pid = process_number(argv[2]);
    if (!pid) {
        std::fprintf(stderr, "ferry: '%s' is not the number of a process\n", argv[2]);
        return wrong_usage;
    }
    const auto seconds = argc == 4 ? positive(argv[3]) : std::nullopt;
    if (argc == 4 && !seconds) {
        std::fprintf(stderr, "ferry: '%s' is not a number of seconds\n", argv[3]);
        return wrong_usage;
    }
    target t(*pid);
    if (command == "ps") {
        print(ferry::detail::ps_text(t.look()));
    } else if (command == "pstree") {
        print(ferry::detail::pstree_text(t.look()));
    } else if (command == "watch") {
        watch(t);
    } else {
        std::uint64_t from = 0;
        if (seconds) {
            from = t.look().now;
            const auto end = std::chrono::steady_clock::now() +
                             std::chrono::milliseconds(
                                 static_cast<std::int64_t>(std::min(*seconds, 1e9) * 1000));
            while (t.lives() && std::chrono::steady_clock::now() < end)
                std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(
                    100ms, end - std::chrono::steady_clock::now()));
        }
        print(ferry::detail::chrome_trace(t.look(), from));
    }
    return success;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "ferry: %s\n", e.what());
        return refused;
    }
}
