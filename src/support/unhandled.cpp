// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/unhandled.hpp>

#include <ferry/detail/caught_or_unwind.hpp>

#include <boost/core/demangle.hpp>

#include <cxxabi.h>

#include <cstdio>
#include <mutex>
#include <utility>

namespace ferry {
namespace detail {
namespace {

struct hook {
    std::mutex mutex;
    std::function<void(std::exception_ptr)> call; // empty: one line on stderr

    static hook& instance() {
        static auto* const h = new hook; // outlives every static pool
        return *h;
    }
};

} // namespace

std::string demangle(const char* name) { return boost::core::demangle(name); }

std::string type_name_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return type != nullptr ? demangle(type->name()) : std::string("unknown");
    }
}

namespace {

void print(const char* where, const std::exception_ptr& error) {
    std::string what;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        what = e.what();
    } catch (...) {
        what = "not a std::exception";
    }
    std::fprintf(stderr, "ferry: unhandled exception in %s: %s: %s\n", where,
                 type_name_of(error).c_str(), what.c_str());
}

// True if there is a hook.
bool call_hook(const std::exception_ptr& error) {
    std::function<void(std::exception_ptr)> call;
    {
        const std::lock_guard lock(hook::instance().mutex);
        call = hook::instance().call;
    }
    if (call)
        call(error);
    return static_cast<bool>(call);
}

} // namespace

void report_unhandled(const std::exception_ptr& error) noexcept {
    try {
        if (!call_hook(error))
            print("a callback", error);
    } catch (...) {
        std::fputs("ferry: the hook for unhandled exceptions threw\n", stderr);
    }
}

void report_or_unwind() { report_unhandled(caught_or_unwind()); }

void report_or_terminate() {
    const std::exception_ptr error = caught_or_unwind();
    bool hooked = true;
    try {
        hooked = call_hook(error);
        if (!hooked)
            print("a function posted to a thread pool", error);
    } catch (...) {
        std::fputs("ferry: the hook for unhandled exceptions threw\n", stderr);
    }
    if (!hooked)
        std::terminate();
}

} // namespace detail

std::function<void(std::exception_ptr)>
set_unhandled_callback(std::function<void(std::exception_ptr)> hook) {
    const std::lock_guard lock(detail::hook::instance().mutex);
    return std::exchange(detail::hook::instance().call, std::move(hook));
}

} // namespace ferry
