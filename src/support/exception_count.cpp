// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// For programs that run under ThreadSanitizer only.
//
// The references to an exception object are counted inside libstdc++, which is not instrumented: a
// thread that has read an exception and let go of it, and another that then lets go of the last
// reference and destroys the object, look like a race. The two functions below take the places of
// those that count down, and do it where the sanitizer sees the order.

#include <ferry/config.hpp>

#include <exception>

#if FERRY_TSAN && defined(__GLIBCXX__) && defined(__LP64__)

#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <typeinfo>
#include <unwind.h>

namespace {

/// What stands in front of an exception object, as the Itanium C++ ABI and libstdc++ fix it.
struct exception_header {
    int references;
    struct {
        std::type_info* type;
        void (*destroy)(void*);
        void (*unexpected)();
        void (*terminate)();
        void* next;
        int handlers;
        int switch_value;
        const unsigned char* action;
        const unsigned char* language_data;
        _Unwind_Ptr landing_pad;
        void* adjusted;
        _Unwind_Exception unwinding;
    } rest;
};

static_assert(sizeof(exception_header) == 128);

exception_header& header_of(void* object) { return static_cast<exception_header*>(object)[-1]; }

} // namespace

extern "C" {

void __cxa_free_exception(void* object) noexcept;

// std::exception_ptr::_M_release
void ferry_release_exception(void** pointer) noexcept
    __asm__("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");
void ferry_release_exception(void** pointer) noexcept {
    void* const object = *pointer;
    if (object == nullptr)
        return;
    exception_header& header = header_of(object);
    if (std::atomic_ref(header.references).fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    if (header.rest.destroy != nullptr)
        header.rest.destroy(object);
    __cxa_free_exception(object);
    *pointer = nullptr;
}

// The end of a handler. One more reference makes sure that the last one ends above.
void __cxa_end_catch() {
    using function = void (*)();
    static const auto end_catch = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "__cxa_end_catch"));
    const std::exception_ptr held = std::current_exception();
    end_catch();
}

} // extern "C"

#endif
