// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "crash_handler.hpp"

#include "build_id.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int longest_search_us = 100'000;
constexpr std::size_t stack_for_signals = std::size_t(64) << 10;

crash_record* record = nullptr;
std::atomic<std::uint64_t> running_task{0};
std::array<struct sigaction, fatal_signals.size()> found; // the handlers installed before
std::atomic<int> signal_in_work{0};

std::size_t index_of(int signal) noexcept {
    const auto* const at = std::find(fatal_signals.begin(), fatal_signals.end(), signal);
    return static_cast<std::size_t>(at - fatal_signals.begin());
}

// The instruction that the signal interrupted, and the stack pointer at that moment.
struct place {
    std::uintptr_t code = 0;
    std::uintptr_t stack = 0;
};
place place_of(const void* context) noexcept {
    const auto& m = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return {static_cast<std::uintptr_t>(m.gregs[REG_RIP]),
            static_cast<std::uintptr_t>(m.gregs[REG_RSP])};
#elif defined(__aarch64__)
    return {static_cast<std::uintptr_t>(m.pc), static_cast<std::uintptr_t>(m.sp)};
#else
    static_cast<void>(m);
    return {};
#endif
}

struct found_module {
    std::uintptr_t base = 0;
    const void* start = nullptr;
    const char* path = nullptr; // null: the program itself
};

// Finds the module that contains an address, without a lock if the C library has a function for it.
bool find_module(std::uintptr_t address, found_module& m) noexcept {
    auto* const at = reinterpret_cast<void*>(address);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 35)
    dl_find_object object{};
    if (::_dl_find_object(at, &object) != 0)
        return false;
    m = {object.dlfo_link_map->l_addr, object.dlfo_map_start, object.dlfo_link_map->l_name};
#else
    Dl_info info{};
    link_map* map = nullptr;
    if (::dladdr1(at, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
        return false;
    m = {map->l_addr, info.dli_fbase, map->l_name};
#endif
    if (m.path != nullptr && *m.path == '\0')
        m.path = nullptr;
    return true;
}

std::uint64_t build_id_of(const found_module& m) noexcept {
    ElfW(Ehdr) header{};
    std::memcpy(&header, m.start, sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_phentsize != sizeof(ElfW(Phdr)))
        return 0;
    const auto* const table =
        reinterpret_cast<const ElfW(Phdr)*>(static_cast<const char*>(m.start) + header.e_phoff);
    return build_id_hash(m.base, {table, header.e_phnum});
}

// Returns the number of the module plus 1, or 0 if the record has no room for another one.
std::uint32_t enter_module(const found_module& m,
                           std::array<std::uintptr_t, crash_record::most_modules>& bases,
                           std::uint32_t& count) noexcept {
    for (std::uint32_t i = 0; i != count; ++i) {
        if (bases[i] == m.base)
            return i + 1;
    }
    if (count == bases.size())
        return 0;
    bases[count] = m.base;
    auto& to = record->modules[count];
    to.build_id = build_id_of(m);
    to.path.fill('\0');
    if (m.path != nullptr)
        std::memcpy(to.path.data(), m.path, ::strnlen(m.path, to.path.size() - 1));
    else
        static_cast<void>(!::readlink("/proc/self/exe", to.path.data(), to.path.size() - 1));
    return ++count;
}

// Finds the frames from the interrupted instruction outwards: `first` is its index, and the frames
// of this handler precede it, because the unwinder passes through the frame of the signal.
std::size_t find_frames(const place& from, std::array<void*, 2 * crash_record::most_frames>& all,
                        std::size_t& first) noexcept {
    const auto count = static_cast<std::size_t>(
        std::max(0, ::backtrace(all.data(), static_cast<int>(all.size()))));
    for (first = 0; first != count; ++first) {
        if (reinterpret_cast<std::uintptr_t>(all[first]) == from.code)
            return count;
    }
    return 0;
}

void write_frames(const place& from) noexcept {
    std::array<std::uintptr_t, crash_record::most_modules> bases{};
    std::uint32_t modules = 0;
    std::uint32_t frames = 0;
    const auto add = [&](std::uintptr_t address, bool is_call) {
        if (frames == crash_record::most_frames)
            return;
        const std::uintptr_t at = address - (is_call ? 1 : 0); // within the call instruction
        found_module m;
        const std::uint32_t number = find_module(at, m) ? enter_module(m, bases, modules) : 0;
        record->frames[frames] = {number != 0 ? at - m.base : at, number};
        record->frame_count.store(++frames);
    };
    add(from.code, false);
    std::array<void*, 2 * crash_record::most_frames> all;
    std::size_t first = 0;
    const std::size_t count = find_frames(from, all, first);
    for (std::size_t i = first + 1; i < count; ++i)
        add(reinterpret_cast<std::uintptr_t>(all[i]), true);
    // After a call of an address without code, only the stack has the return address.
    if (found_module m; frames == 1 && from.stack != 0 && !find_module(from.code, m)) {
        std::uintptr_t back = 0;
        std::memcpy(&back, reinterpret_cast<const void*>(from.stack), sizeof back);
        if (find_module(back, m))
            add(back, true);
    }
}

void die_of(int signal) noexcept {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), signal);
}

// The search for frames takes too long. Any thread may receive this signal.
void on_time_over(int) noexcept {
    const int signal = signal_in_work.load();
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    die_of(signal);
}

void write_record(int signal, const void* context) noexcept {
    signal_in_work.store(signal);
    struct sigaction over{};
    struct sigaction over_before{};
    over.sa_handler = on_time_over;
    ::sigaction(SIGALRM, &over, &over_before);
    sigset_t alarm;
    sigset_t mask_before;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm, &mask_before); // every thread may have it blocked
    const itimerval limit{{0, 0}, {0, longest_search_us}};
    itimerval limit_before{};
    ::setitimer(ITIMER_REAL, &limit, &limit_before);
    record->signal.store(static_cast<std::uint32_t>(signal));
    record->task.store(running_task.load());
    record->frame_count.store(0);
    write_frames(place_of(context));
    ::setitimer(ITIMER_REAL, &limit_before, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
    ::sigaction(SIGALRM, &over_before, nullptr);
    record->state.store(crash_record::stage::written);
}

// Does what would have happened without this handler.
void hand_on(int signal, siginfo_t* info, void* context) noexcept {
    struct sigaction& next = found[index_of(signal)];
    if ((next.sa_flags & SA_SIGINFO) != 0) {
        const auto handler = next.sa_sigaction;
        if ((next.sa_flags & static_cast<int>(SA_RESETHAND)) != 0)
            next = {};
        handler(signal, info, context);
    } else if (next.sa_handler != SIG_DFL && next.sa_handler != SIG_IGN) {
        const auto handler = next.sa_handler;
        if ((next.sa_flags & static_cast<int>(SA_RESETHAND)) != 0)
            next = {};
        handler(signal);
    } else if (info->si_code > 0) { // the instruction faults again, so a core file shows it
        struct sigaction standard{};
        standard.sa_handler = SIG_DFL;
        ::sigaction(signal, &standard, nullptr);
    } else {
        die_of(signal);
    }
}

void on_fatal_signal(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    // A record that was written already is of a signal that the program's own handler survived, so
    // this one may replace it.
    auto state = record->state.load();
    while (state != crash_record::stage::writing &&
           !record->state.compare_exchange_weak(state, crash_record::stage::writing)) {
    }
    if (state != crash_record::stage::writing) {
        write_record(signal, context);
    } else { // another thread writes the record, and ends the process soon
        for (int i = 0; i != 100 && record->state.load() == crash_record::stage::writing; ++i) {
            const timespec moment{0, 1'000'000};
            ::nanosleep(&moment, nullptr);
        }
    }
    errno = error;
    hand_on(signal, info, context);
}

void provide_stack() noexcept {
    const std::size_t needed = stack_for_signals + ::getauxval(AT_MINSIGSTKSZ);
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0)
        return;
    constexpr std::size_t page = 4096;
    const std::size_t size = (needed + page - 1) / page * page;
    void* const memory = ::mmap(nullptr, page + size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return;
    ::mprotect(memory, page, PROT_NONE);
    stack_t mine{};
    mine.ss_sp = static_cast<char*>(memory) + page;
    mine.ss_size = size;
    ::sigaltstack(&mine, nullptr);
}

} // namespace

void install_crash_handler(crash_record& to) noexcept {
    record = &to;
    void* first[2];
    static_cast<void>(::backtrace(first, 2)); // its first call loads a library
    provide_stack();
    struct sigaction mine{};
    mine.sa_sigaction = on_fatal_signal;
    mine.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (std::size_t i = 0; i != fatal_signals.size(); ++i) {
        if (::sigaction(fatal_signals[i], nullptr, &found[i]) == 0)
            ::sigaction(fatal_signals[i], &mine, nullptr);
    }
}

void note_running_task(std::uint64_t number) noexcept {
    running_task.store(number, std::memory_order_relaxed);
}

} // namespace ferry::detail
