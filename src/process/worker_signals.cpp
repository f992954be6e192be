// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_signals.hpp"

#include <csignal>
#include <dlfcn.h>
#include <string_view>

namespace ferry::detail {
namespace {

// Boost.Test, if it provides main(), recovers from a signal by a jump, which would leave the loop
// of the worker.
bool is_of_a_test_framework(const struct sigaction& act) {
    Dl_info where{};
    const auto* const handler = (act.sa_flags & SA_SIGINFO) != 0
                                    ? reinterpret_cast<const void*>(act.sa_sigaction)
                                    : reinterpret_cast<const void*>(act.sa_handler);
    if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN || ::dladdr(handler, &where) == 0 ||
        where.dli_fname == nullptr)
        return false;
    const std::string_view file(where.dli_fname);
    return file.find("libboost_unit_test_framework") != std::string_view::npos ||
           file.find("libboost_prg_exec_monitor") != std::string_view::npos;
}

} // namespace

// Signals that the pool's process ignores get their default action again. An interrupt from the
// terminal reaches all processes of its group, and only the pool is to react to it. Handlers stay:
// the program, or a sanitizer, has installed them in this process.
void reset_signals() {
    struct sigaction act{};
    act.sa_handler = SIG_DFL;
    for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGHUP,
                        SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD}) {
        struct sigaction now{};
        if (::sigaction(s, nullptr, &now) == 0 &&
            (now.sa_handler == SIG_IGN || is_of_a_test_framework(now)))
            ::sigaction(s, &act, nullptr);
    }
    act.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &act, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

} // namespace ferry::detail
