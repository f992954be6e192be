// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "explorer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ucontext.h>

/// Explores all interleavings of real code. Its threads are fibers, each of which stops before
/// every operation that another one can observe. A state is the bytes of what they share and of
/// their stacks, and is entered again by copying them back. Those that were seen are known by a
/// hash of 64 bits. Stale bytes in a stack tell equal states apart, which costs time only.
///
/// What is shared lies at a fixed address and is not trivial to destroy: nobody does. No thread
/// allocates, throws or keeps anything elsewhere. Sequential consistency is what is explored.
namespace model {

class machine {
public:
    static constexpr unsigned most_threads = 5;

    /// `shared` is what the threads share; `body` is what thread `i` does.
    machine(void* shared, std::size_t size, unsigned threads, void (*body)(unsigned))
        : shared_(static_cast<std::byte*>(shared)), size_(size), threads_(threads), body_(body) {}
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    /// Goes through every state that can be reached from the present one, depth first, each once.
    /// `fault(at_rest)` says what is wrong in the present state; it is at rest when nothing but
    /// time can change it.
    template <class Fault>
    verdict explore(Fault fault);

    // ---- For the threads.

    static unsigned self() noexcept { return now_->running_; }
    /// The next operation can be observed, and has this name.
    static void step(const char* name) noexcept {
        if (now_->counts_steps_ && !std::exchange(now_->fibers_[self()].goes_on, false))
            wait(name, nullptr, false);
        clear_unused();
    }
    /// The next operation belongs to this step: nobody can tell, as with what follows the taking of
    /// a lock.
    static void go_on() noexcept { now_->fibers_[self()].goes_on = true; }
    /// Waits until `ready(self())`; false if the time came before, which it may where `timed`.
    static bool wait(const char* name, bool (*ready)(unsigned), bool timed) noexcept;
    /// With false, operations are no steps until it is called with true; for assertions.
    static void count_steps(bool yes) noexcept { now_->counts_steps_ = yes; }

private:
    struct fiber {
        alignas(16) std::array<std::byte, 8192> stack{};
        std::byte* used = nullptr;   // the stack from here on
        std::byte* counts = nullptr; // and what of it makes a difference
        ucontext_t context{};
        const char* name = "";
        bool (*ready)(unsigned) = nullptr;
        bool goes_on = false, timed = false, by_time = false, ended = false;
    };
    struct choice {
        unsigned thread = 0;
        bool by_time = false;
        const char* name = "";
    };
    struct frame {
        std::vector<std::byte> from;
        std::vector<choice> choices;
        std::size_t next = 0;
    };

    static void enter() noexcept {
        now_->body_(self());
        now_->fibers_[self()].ended = true;
        static_cast<void>(wait("ended", nullptr, false));
    }
    // Of the stack, so that what was there makes no difference to the frames that come.
    [[gnu::noinline]] static void clear_unused() noexcept {
        std::byte unused[512];
        std::memset(unused, 0, sizeof unused);
        asm volatile("" : : "r"(unused) : "memory");
    }
    static void prepare(fiber& f) noexcept;
    void resume(unsigned thread, bool by_time) noexcept;
    std::vector<choice> choices() const;
    std::vector<std::byte> save() const;
    void restore(const std::vector<std::byte>& from) noexcept;

    static inline machine* now_ = nullptr;

    std::byte* shared_;
    std::size_t size_;
    unsigned threads_;
    void (*body_)(unsigned);
    unsigned running_ = 0;
    bool counts_steps_ = true;
    ucontext_t home_{};
    std::array<fiber, most_threads> fibers_;
};

// What the compiler keeps in registers is on the stack too when the thread has stopped.
[[gnu::noinline]] inline bool machine::wait(const char* name, bool (*ready)(unsigned),
                                            bool timed) noexcept {
    __builtin_unwind_init();
    fiber& f = now_->fibers_[self()];
    f.goes_on = false;
    f.name = name;
    f.ready = ready;
    f.timed = timed;
    auto* const frame = static_cast<std::byte*>(__builtin_frame_address(0));
    f.counts = frame - 64; // registers, and what the callers have
    f.used = frame - 256;  // its own variables too
    ::swapcontext(&f.context, &now_->home_);
    return !now_->fibers_[self()].by_time;
}

inline void machine::prepare(fiber& f) noexcept {
    ::getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.data();
    f.context.uc_stack.ss_size = f.stack.size();
    f.context.uc_link = nullptr;
    ::makecontext(&f.context, &machine::enter, 0);
}

inline void machine::resume(unsigned thread, bool by_time) noexcept {
    fiber& f = fibers_[thread];
    running_ = thread;
    f.by_time = by_time;
    ::swapcontext(&home_, &f.context);
    f.by_time = false;
    std::fill(f.stack.data(), f.used, std::byte()); // what is not used makes no difference
}

inline std::vector<machine::choice> machine::choices() const {
    std::vector<choice> out;
    for (unsigned t = 0; t < threads_; ++t) {
        const fiber& f = fibers_[t];
        if (f.ended)
            continue;
        if (f.ready == nullptr || f.ready(t))
            out.push_back({t, false, f.name});
        else if (f.timed)
            out.push_back({t, true, f.name});
    }
    return out;
}

inline std::vector<std::byte> machine::save() const {
    std::vector<std::byte> out;
    out.reserve(16384);
    out.insert(out.end(), shared_, shared_ + size_);
    for (unsigned t = 0; t < threads_; ++t) {
        const fiber& f = fibers_[t];
        const auto* const end = reinterpret_cast<const std::byte*>(&f + 1);
        out.insert(out.end(), reinterpret_cast<const std::byte*>(&f.used), end);
        out.insert(out.end(), static_cast<const std::byte*>(f.used),
                   f.stack.data() + f.stack.size());
    }
    return out;
}

inline void machine::restore(const std::vector<std::byte>& from) noexcept {
    const std::byte* at = from.data();
    const auto get = [&at](std::byte* to, const std::byte* end) {
        const auto n = static_cast<std::size_t>(end - to);
        std::memcpy(to, at, n);
        at += n;
    };
    get(shared_, shared_ + size_);
    for (unsigned t = 0; t < threads_; ++t) {
        fiber& f = fibers_[t];
        std::byte* const before = f.used;
        get(reinterpret_cast<std::byte*>(&f.used), reinterpret_cast<std::byte*>(&f + 1));
        if (before < f.used)
            std::fill(before, f.used, std::byte());
        get(f.used, f.stack.data() + f.stack.size());
    }
}

template <class Fault>
verdict machine::explore(Fault fault) {
    now_ = this;
    for (unsigned t = 0; t < threads_; ++t) {
        prepare(fibers_[t]);
        resume(t, false); // to its first operation
    }
    std::unordered_set<std::size_t> seen; // hashes
    std::vector<frame> path;
    verdict v;
    const auto enter = [&] {
        std::size_t hash = 0;
        const auto add = [&hash](const void* p, std::size_t n) {
            hash = hash * 0x9e3779b97f4a7c15 ^
                   std::hash<std::string_view>()({static_cast<const char*>(p), n});
        };
        add(shared_, size_);
        for (unsigned t = 0; t < threads_; ++t) {
            const fiber& f = fibers_[t];
            add(f.counts, static_cast<std::size_t>(f.stack.data() + f.stack.size() - f.counts));
        }
        if (!seen.insert(hash).second)
            return;
        frame f{save(), choices(), 0};
        v.fault = fault(std::ranges::all_of(f.choices, &choice::by_time));
        path.push_back(std::move(f));
    };
    enter();
    while (v.fault.empty() && !path.empty()) {
        frame& top = path.back();
        if (top.next == top.choices.size()) {
            path.pop_back();
            continue;
        }
        restore(top.from);
        const choice c = top.choices[top.next++];
        resume(c.thread, c.by_time);
        enter();
    }
    v.states = seen.size();
    for (const frame& f : path) {
        if (f.next != 0) {
            const choice& c = f.choices[f.next - 1];
            v.schedule += "\n  " + std::to_string(c.thread) + ": " + c.name +
                          (c.by_time ? ", the time comes" : "");
        }
    }
    return v;
}

/// What the threads share while it is explored; nobody destroys it.
template <class Shared>
inline Shared* shared = nullptr;

/// Explores what the threads of a `Shared` do, thread `i` its `run(i)`; its `fault(at_rest)` is asked
/// in each state. It is made of `kind`.
template <class Shared, class Kind>
verdict explore(unsigned threads, const Kind& kind) {
    alignas(Shared) static std::array<std::byte, sizeof(Shared)> memory;
    memory.fill(std::byte());
    shared<Shared> = ::new (memory.data()) Shared(kind);
    const auto all = std::make_unique<machine>(memory.data(), memory.size(), threads,
                                               [](unsigned t) { shared<Shared>->run(t); });
    return all->explore([](bool at_rest) { return shared<Shared>->fault(at_rest); });
}

} // namespace model
