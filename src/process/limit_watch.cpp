// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "limit_watch.hpp"

#include <algorithm>

namespace ferry::detail {
namespace {

// Memory is sampled once in each period; processor time more often if the limit may be reached
// within it.
constexpr std::chrono::nanoseconds period = std::chrono::milliseconds(10);
constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds(1);

std::string bytes(std::uint64_t n) { return std::to_string(n) + " bytes"; }
std::string time(std::uint64_t ns) {
    return text_of(timeout(std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::nanoseconds(static_cast<std::int64_t>(ns)))));
}

} // namespace

std::string text_of(const limit_breach& b, const std::string& label, int pid) {
    std::string text = "the task '" + label + "' exceeded limits.";
    switch (b.what) {
    case limit_breach::limit::memory:
        text += "memory: allowed " + bytes(b.allowed) + ", used " + bytes(b.used);
        text += b.failed_request ? " when more was refused" : "";
        break;
    case limit_breach::limit::cpu_time:
        text += "cpu_time: allowed " +
                text_of(timeout(std::chrono::nanoseconds(static_cast<std::int64_t>(b.allowed)))) +
                ", used " + time(b.used);
        break;
    case limit_breach::limit::file_size:
        text += "file_size: allowed " + bytes(b.allowed) + ", used all of them and wanted more";
        break;
    }
    return text + "; its worker process " + std::to_string(pid) + " was ended";
}

std::optional<limit_breach> limit_watch::sample(std::uint64_t task, const usage_sample& now,
                                                std::chrono::nanoseconds cpu_at_start) noexcept {
    if (task_ != task) {
        task_ = task;
        start_ = std::clamp(cpu_at_start, std::chrono::nanoseconds::zero(), now.cpu);
        peak_ = 0;
    }
    used_ = now.cpu - start_;
    peak_ = std::max(peak_, now.memory);
    if (memory_ != 0 && now.memory > memory_)
        return limit_breach{limit_breach::limit::memory, memory_, now.memory, false};
    if (cpu_.count() != 0 && used_ > cpu_)
        return limit_breach{limit_breach::limit::cpu_time, static_cast<std::uint64_t>(cpu_.count()),
                            static_cast<std::uint64_t>(used_.count()), false};
    return std::nullopt;
}

std::chrono::nanoseconds limit_watch::until_next(unsigned processors) const noexcept {
    if (cpu_.count() == 0 || task_ == 0)
        return period;
    return std::clamp((cpu_ - used_) / std::max(processors, 1u), shortest, period);
}

} // namespace ferry::detail
