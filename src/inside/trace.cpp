// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/trace.hpp>

#include "chrome_trace.hpp"
#include "recorder.hpp"
#include "symbols.hpp"
#include "trace.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include <unistd.h>

namespace ferry {

void dump_trace(const std::filesystem::path& path) {
    const auto* const recording = detail::recorder::instance().layout();
    if (recording == nullptr)
        throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                                "ferry::dump_trace: nothing was recorded");
    const detail::picture p =
        detail::take_picture(*recording, detail::steady_now(), [](auto address) {
            return detail::name_of_function(reinterpret_cast<const void*>(address));
        });
    errno = 0;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << detail::chrome_trace(p);
    out.close();
    if (!out)
        throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(),
                                "ferry::dump_trace: " + path.string());
}

namespace detail {

std::string trace_of_stuck_tasks(std::string_view pool) noexcept {
    try {
        const char* const directory = std::getenv("FERRY_TRACE_DIR");
        if (directory == nullptr || *directory == '\0')
            return {};
        std::string name(pool.substr(0, 64));
        for (char& c : name) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '_';
            c = plain ? c : '_';
        }
        static std::atomic<unsigned> files{0};
        const auto path =
            std::filesystem::path(directory) / ("ferry-" + std::to_string(::getpid()) + '-' + name +
                                                '-' + std::to_string(files.fetch_add(1)) + ".json");
        dump_trace(path);
        return path.string();
    } catch (const std::exception&) { // the shutdown goes on without
        return {};
    }
}

} // namespace detail
} // namespace ferry
