// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "scheduling.hpp"

#include "signals_blocked.hpp"

#include <algorithm>
#include <cerrno>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace ferry::detail {

scheduling scheduling::of_this_thread() {
    scheduling s;
    // The kernel refuses a set that is smaller than its own, whose size is not known, so larger and
    // larger ones are tried.
    for (std::size_t words = 16; words <= 16384; words *= 4) {
        s.processors_.assign(words, 0);
        const long n = ::syscall(SYS_sched_getaffinity, 0, words * sizeof(unsigned long),
                                 s.processors_.data());
        if (n > 0) {
            s.processors_.resize(static_cast<std::size_t>(n) / sizeof(unsigned long));
            break;
        }
        s.processors_.clear();
    }
    sched_param parameters{};
    s.policy_ = static_cast<int>(::syscall(SYS_sched_getscheduler, 0));
    if (::syscall(SYS_sched_getparam, 0, &parameters) == 0)
        s.priority_ = parameters.sched_priority;
    s.nice_ = ::getpriority(PRIO_PROCESS, 0);
    return s;
}

void scheduling::set_processors(const std::vector<int>& numbers) {
    constexpr std::size_t bits = 8 * sizeof(unsigned long);
    processors_.assign(1, 0);
    for (const int n : numbers) {
        const auto at = static_cast<std::size_t>(n);
        if (at / bits >= processors_.size())
            processors_.resize(at / bits + 1);
        processors_[at / bits] |= 1ul << at % bits;
    }
}

bool scheduling::allows(const std::vector<int>& numbers) {
    constexpr int most = 1 << 20; // more processors than any machine has
    for (const int n : numbers) {
        if (n < 0 || n >= most)
            return false;
    }
    scheduling wanted;
    wanted.set_processors(numbers);
    bool all = false;
    const signals_blocked quiet;
    std::thread([&] { // whose affinity may be changed
        if (::syscall(SYS_sched_setaffinity, 0, wanted.processors_.size() * sizeof(unsigned long),
                      wanted.processors_.data()) != 0)
            return;
        auto got = of_this_thread().processors_;
        got.resize(std::max(got.size(), wanted.processors_.size()));
        wanted.processors_.resize(got.size());
        all = got == wanted.processors_; // the kernel leaves out processors that are not allowed
    })
        .join();
    return all;
}

void scheduling::apply() const noexcept {
    if (policy_ < 0)
        return;
    const int before = errno; // a setting that is not permitted is left as it is
    if (!processors_.empty())
        ::syscall(SYS_sched_setaffinity, 0, processors_.size() * sizeof(unsigned long),
                  processors_.data());
    sched_param parameters{};
    parameters.sched_priority = priority_;
    ::syscall(SYS_sched_setscheduler, 0, policy_, &parameters);
    ::setpriority(PRIO_PROCESS, 0, nice_);
    errno = before;
}

} // namespace ferry::detail
