// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "loop_threads.hpp"

#include "label_table.hpp"

#include <ferry/detail/thread_note.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>

#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ferry::detail {

constinit thread_local const thread_note* thread_note::current = nullptr;
constinit thread_note::describe_running thread_note::running = nullptr;

// ---- Asio's list of the contexts that a thread is inside of -------------------------------------

#if defined(BOOST_ASIO_HAS_THREAD_KEYWORD_EXTENSION)
// The head of the list, which is a private member of a class template of Asio, by its name in the
// object file.
extern __thread void* top_of_call_stack asm(
    "_ZN5boost4asio6detail15keyword_tss_ptrINS1_10call_stackINS1_14thread_contextENS1_16thread_"
    "info_baseEE7contextEE6value_E");
#endif

// AddressSanitizer, where it looks on, may keep local variables apart from the stack.
extern "C" {
[[gnu::weak]] void* __asan_get_current_fake_stack();
[[gnu::weak]] void* __asan_addr_is_in_fake_stack(void* fake_stack, void* address, void** begin,
                                                 void** end);
}

namespace {

// As Asio's call_stack::context: what its members are called is private there.
struct list_element {
    const void* key;
    void* value;
    list_element* next;
};

#if defined(BOOST_ASIO_HAS_THREAD_KEYWORD_EXTENSION)
using call_stack = boost::asio::detail::call_stack<boost::asio::detail::thread_context,
                                                   boost::asio::detail::thread_info_base>;
static_assert(sizeof(call_stack::context) == sizeof(list_element));

void* const* own_top() noexcept {
    static_cast<void>(call_stack::top()); // so that it is defined here
    return &top_of_call_stack;
}
#else
void* const* own_top() noexcept { return nullptr; }
#endif

// Reads what another thread may be changing.
template <class T>
#if defined(__SANITIZE_THREAD__) || defined(__clang__)
__attribute__((no_sanitize("thread")))
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
__attribute__((no_sanitize("address")))
#endif
T peek(const T* p) noexcept {
    return *const_cast<const volatile T*>(p);
}

} // namespace

const std::shared_ptr<loop_thread>& loop_thread::current() {
    struct holder {
        std::shared_ptr<loop_thread> thread = std::make_shared<loop_thread>();
        ~holder() { thread->end(); }
    };
    static thread_local const holder h;
    return h.thread;
}

loop_thread::loop_thread()
    : number_(static_cast<int>(::syscall(SYS_gettid))), top_(own_top()),
      fake_stack_(__asan_get_current_fake_stack != nullptr ? __asan_get_current_fake_stack()
                                                           : nullptr) {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(thread_, &attributes) != 0)
        return;
    void* lowest = nullptr;
    if (::pthread_attr_getstack(&attributes, &lowest, &stack_size_) == 0)
        stack_ = static_cast<const char*>(lowest);
    ::pthread_attr_destroy(&attributes);
}

void loop_thread::end() noexcept {
    const std::lock_guard lock(mutex_);
    ended_ = true;
}

bool loop_thread::holds(const void* p, std::size_t size) const noexcept {
    if (reinterpret_cast<std::uintptr_t>(p) % alignof(list_element) != 0)
        return false;
    const auto* const c = static_cast<const char*>(p);
    return (stack_ != nullptr && c >= stack_ && c <= stack_ + (stack_size_ - size)) ||
           (fake_stack_ != nullptr &&
            __asan_addr_is_in_fake_stack(fake_stack_, const_cast<void*>(p), nullptr, nullptr));
}

const void* loop_thread::running_key() noexcept {
    void* const* const top = own_top();
    return top != nullptr && *top != nullptr ? static_cast<list_element*>(*top)->key : nullptr;
}

bool loop_thread::is_inside(const void* key) const {
    const std::lock_guard lock(mutex_);
    if (ended_)
        return false;
    if (top_ == nullptr)
        return true; // it cannot be known
    const void* next = peek(top_);
    for (int depth = 0; depth < 64 && holds(next, sizeof(list_element)); ++depth) {
        const auto* const element = static_cast<const list_element*>(next);
        if (peek(&element->key) == key)
            return true;
        next = peek(&element->next);
    }
    return false;
}

bool loop_thread::sleeps() const {
    std::ifstream file("/proc/self/task/" + std::to_string(number_) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    return end != std::string::npos && end + 2 < text.size() && text[end + 2] != 'R';
}

bool loop_thread::send(int signal, void* value) const {
    const std::lock_guard lock(mutex_);
    return !ended_ && ::pthread_sigqueue(thread_, signal, ::sigval{.sival_ptr = value}) == 0;
}

// ---- A thread that is asked for its stack -------------------------------------------------------

namespace {

// One at a time. A signal that comes late finds another number, or another state.
struct picture_request {
    enum : unsigned { free, asked, answering, answered };

    std::mutex one_at_a_time;
    std::atomic<std::uintptr_t> number{0};
    std::atomic<unsigned> state{free};
    std::array<void*, 64> stack;
    int depth = 0;
    std::array<char, 200> text;
    note_text label{};
    bool waits = false;

    static picture_request& instance() {
        static auto* const r = new picture_request; // outlives what runs at exit
        return *r;
    }
};

std::atomic<picture_request*> request{nullptr};
int chosen_signal = 0;

void answer(int, siginfo_t* info, void*) {
    const int error = errno;
    picture_request* const r = request.load(std::memory_order_acquire);
    unsigned asked = picture_request::asked;
    if (r != nullptr && info->si_code == SI_QUEUE &&
        reinterpret_cast<std::uintptr_t>(info->si_value.sival_ptr) == r->number.load() &&
        r->state.compare_exchange_strong(asked, picture_request::answering)) {
        r->depth = ::backtrace(r->stack.data(), static_cast<int>(r->stack.size()));
        r->label = {r->text.data(), r->text.size()};
        r->waits = thread_note::current != nullptr;
        if (r->waits)
            thread_note::current->read(r->label);
        if (r->label.size == 0 && r->label.label.how == task_label::kind::none &&
            thread_note::running != nullptr)
            thread_note::running(r->label);
        r->state.store(picture_request::answered, std::memory_order_release);
    }
    errno = error;
}

// The last one that nobody uses.
int choose_signal() {
    for (int s = SIGRTMAX - 2; s > SIGRTMIN; --s) {
        struct sigaction old{};
        if (::sigaction(s, nullptr, &old) != 0 || (old.sa_flags & SA_SIGINFO) != 0 ||
            old.sa_handler != SIG_DFL)
            continue;
        struct sigaction mine{};
        mine.sa_sigaction = &answer;
        mine.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        ::sigfillset(&mine.sa_mask);
        if (::sigaction(s, &mine, nullptr) == 0)
            return s;
    }
    return 0;
}

} // namespace

void prepare_pictures() {
    static const bool prepared = [] {
        void* frame[1];
        static_cast<void>(::backtrace(frame, 1)); // loads the unwinder, which takes memory
        request.store(&picture_request::instance(), std::memory_order_release);
        chosen_signal = choose_signal();
        return true;
    }();
    static_cast<void>(prepared);
}

thread_picture picture_of(const loop_thread& thread) {
    auto& r = picture_request::instance();
    const std::lock_guard lock(r.one_at_a_time);
    const std::uintptr_t number = r.number.load() + 1;
    r.number.store(number);
    r.state.store(picture_request::asked);
    if (chosen_signal == 0 || !thread.send(chosen_signal, reinterpret_cast<void*>(number))) {
        r.state.store(picture_request::free);
        return {};
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (r.state.load(std::memory_order_acquire) != picture_request::answered) {
        unsigned asked = picture_request::asked;
        if (std::chrono::steady_clock::now() >= deadline &&
            r.state.compare_exchange_strong(asked, picture_request::free))
            return {}; // it blocks the signal, or is not scheduled
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    thread_picture p;
    // Without the handler itself and the frame of the signal.
    const int own = std::min(r.depth, 2);
    p.stack.assign(r.stack.data() + own, r.stack.data() + r.depth);
    p.label = r.label.size != 0 || r.label.label.how == task_label::kind::none
                  ? std::string(r.text.data(), r.label.size)
                  : spell_out(r.label.label);
    p.waits = r.waits;
    r.state.store(picture_request::free);
    return p;
}

} // namespace ferry::detail
