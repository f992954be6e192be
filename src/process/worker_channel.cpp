// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_channel.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace ferry::detail {
namespace {

// Moves a descriptor above the numbers that the child process assigns.
descriptor high(descriptor d) {
    return descriptor::checked(::fcntl(d.get(), F_DUPFD_CLOEXEC, 10), "fcntl");
}

} // namespace

worker_channel::worker_channel(std::uint32_t number, const child_options& options,
                               const worker_settings& settings)
    : dispatch_worker(number, settings.max_tasks), deadlines(number), idle(settings.idle) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair for a worker process");
    descriptor ours(pair[0]);
    const descriptor theirs = high(descriptor(pair[1]));
    socket = high(std::move(ours));

    if (::pipe2(pair, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe for a worker process");
    descriptor read_end(pair[0]);
    const descriptor write_end = high(descriptor(pair[1]));
    standard_error = worker_stderr(high(std::move(read_end)));
    ::fcntl(standard_error.file(), F_SETFL, O_NONBLOCK);

    answered = descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    wire::mark_event(answered.get());
    const descriptor memory_file = descriptor::checked(
        ::memfd_create("ferry-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
    if (::ftruncate(memory_file.get(), sizeof(wire::channel)) != 0)
        throw std::system_error(errno, std::generic_category(), "ftruncate of a channel");
    ::fcntl(memory_file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    void* const at = ::mmap(nullptr, sizeof(wire::channel), PROT_READ | PROT_WRITE, MAP_SHARED,
                            memory_file.get(), 0);
    if (at == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap of a channel");
    memory.reset(static_cast<wire::channel*>(at)); // zeros are a channel at its start
    memory->setup = options.setup;
    memory->most_memory.store(settings.most_memory);
    slots.emplace(memory->slots);
    tasks_.emplace(*memory);
    answers.emplace(*memory, socket.get());
    static_cast<void>(answers->prepare_sleep());

    const int files[] = {memory_file.get(), answered.get()};
    // A worker that never got this would wait for it, and its pool for the worker.
    if (!send_message(socket.get(),
                      {wire::message::what::hello, settings.start_calls,
                       static_cast<std::uint64_t>(::getpid())},
                      files))
        throw std::system_error(errno, std::generic_category(), "sendmsg to a worker process");
    child_options c = options;
    c.socket = theirs.get();
    c.standard_error = write_end.get();
    process.emplace(c);
}

worker_channel::~worker_channel() {
    FERRY_ASSERT(!deadlines.any_armed());
    FERRY_ASSERT((!slots || slots->empty()) && items.empty());
}

void worker_channel::unmap::operator()(wire::channel* c) const noexcept {
    ::munmap(c, sizeof(wire::channel));
}

bool worker_channel::reserve(const code_ref& entry, task_writer::call_kind how,
                             std::string_view context, const payload& arguments) noexcept {
    if (tasks_->reserve(entry, how, context, arguments.bytes(), arguments.shared()))
        return true;
    if (!tasks_->is_sound())
        end.violation = "it wrote to the positions of the ring of its tasks";
    return false;
}

// Puts a large payload into a segment that no other worker can read, and announces it to this one.
bool worker_channel::share(payload& arguments, segment_store& store) noexcept {
    segment* s = arguments.shared();
    try {
        if (s == nullptr || (s->owner != 0 && s->owner != id)) {
            payload mine = store.copy_for(id, arguments);
            if (mine.size() == 0)
                return false;
            arguments = std::move(mine);
            s = arguments.shared();
        }
        if (!segments_sent.announce(socket.get(), *s))
            return false;
    } catch (const std::bad_alloc&) {
        return false;
    }
    s->owner = id;
    store.handed_on(*s);
    return true;
}

bool worker_channel::send(remote_call_ptr& c, std::uint64_t number, segment_store& store) noexcept {
    if (slots->is_full())
        return false;
    remote_call& call = *c;
    if (call.arguments.size() >= large_payload &&
        (slots->is_full_of_large() || !share(call.arguments, store)))
        return false;
    const task_extra* const extra = call.state().extra.get();
    const task_writer::call_kind how{call.stops, extra != nullptr && extra->progress != nullptr};
    if (!reserve(call.entry, how, call.context, call.arguments))
        return false;
    FERRY_ASSERT(call.at == nullptr);
    slots->offer(std::move(c), number, wire::now_ns());
    call.at = this;
    deadlines.measured[call.slot] = false;
    tasks_->publish(wire::frame_kind::run, call.slot, number);
    return true;
}

void worker_channel::send_start_call(wire::frame_kind kind, const encoded_initializer& call,
                                     segment_store& store) {
    FERRY_ASSERT(life.now() == worker_lifecycle::stage::starting);
    payload copy(call.arguments);
    if ((copy.size() >= large_payload && !share(copy, store)) || !reserve(call.entry, {}, {}, copy))
        throw std::runtime_error("the initializer or finalizer cannot be sent to a worker process");
    if (copy.shared() != nullptr)
        copy.shared()->surplus = true; // not used again, because the worker may keep it
    start_calls.push_back(std::move(copy));
    tasks_->publish(kind, 0, 0);
}

remote_call_ptr worker_channel::release(std::uint16_t slot) noexcept {
    remote_call_ptr c = slots->release(slot);
    FERRY_ASSERT(c->at == this);
    c->at = nullptr;
    deadlines.remove(slot);
    return c;
}

bool worker_channel::is_sound() noexcept { return slots->are_sound() && tasks_->is_sound(); }

std::int64_t worker_channel::started_ns(std::int64_t now) const noexcept {
    const remote_call* const c = slots->running();
    const std::int64_t given = c != nullptr ? slots->offered_ns(*c) : now;
    return std::clamp(memory->started_ns.load(), std::min(given, now), now);
}

bool worker_channel::ask_to_stop(std::uint64_t number) noexcept {
    return send_message(socket.get(), {wire::message::what::stop, 0, number}, {});
}

void worker_channel::forget_segment(std::uint32_t number) noexcept {
    segments_sent.forget(number);
    static_cast<void>(send_message(socket.get(), {wire::message::what::forget, number, 0}, {}));
}

} // namespace ferry::detail
