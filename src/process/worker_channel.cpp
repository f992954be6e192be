// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_channel.hpp"

#include "support/futex.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace ferry::detail {
namespace {

// The most tasks with large arguments that a worker holds at a time.
constexpr unsigned most_large = 2;

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
    tasks_.emplace(memory->tasks, memory->task_bytes.data());
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
    FERRY_ASSERT(free_slots == ~std::uint64_t(0) && items.empty() && large_held == 0);
}

void worker_channel::unmap::operator()(wire::channel* c) const noexcept {
    ::munmap(c, sizeof(wire::channel));
}

void worker_channel::wake() noexcept {
    futex_wake(reinterpret_cast<std::uint32_t*>(&memory->tasks.reader_sleeps), 1,
               futex_scope::shared);
}

std::byte* worker_channel::reserve(const code_ref& entry, call_kind how, std::string_view context,
                                   std::span<const std::byte> arguments, segment* shared,
                                   std::uint32_t& size) noexcept {
    const wire::segment_ref ref{shared != nullptr ? shared->id() : 0, arguments.size()};
    if (shared != nullptr)
        arguments = std::as_bytes(std::span(&ref, 1));
    wire::run_body body;
    body.module = entry.module;
    body.offset = entry.offset;
    body.path_size = static_cast<std::uint16_t>(entry.path.size());
    body.takes_stop_token = how.stops;
    body.in_segment = shared == nullptr ? 0 : shared->is_sealed() ? 2 : 1;
    body.reports = how.reports;
    body.context_size = static_cast<std::uint32_t>(context.size());
    size = static_cast<std::uint32_t>(sizeof body + entry.path.size() + context.size() +
                                      arguments.size());
    std::byte* const room = tasks_->reserve(size);
    if (room == nullptr) {
        if (!tasks_->sound())
            violation = "it wrote to the positions of the ring of its tasks";
        return nullptr;
    }
    std::byte* at = room;
    const auto put = [&at](const void* data, std::size_t n) {
        if (n != 0)
            std::memcpy(at, data, n);
        at += n;
    };
    put(&body, sizeof body);
    put(entry.path.data(), entry.path.size());
    put(context.data(), context.size());
    put(arguments.data(), arguments.size());
    return room;
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
    if (free_slots == 0)
        return false;
    remote_call& call = *c;
    const bool large = call.arguments.size() >= large_payload;
    if (large && (large_held >= most_large || !share(call.arguments, store)))
        return false;
    std::uint32_t size = 0;
    const task_extra* const extra = call.state().extra.get();
    const call_kind how{call.stops, extra != nullptr && extra->progress != nullptr};
    if (reserve(call.entry, how, call.context, call.arguments.bytes(), call.arguments.shared(),
                size) == nullptr)
        return false;
    const auto slot = static_cast<std::uint16_t>(std::countr_zero(free_slots));
    FERRY_ASSERT(held[slot] == nullptr && call.at == nullptr);
    call.slot = slot;
    call.number = number;
    call.at = this;
    free_slots &= free_slots - 1;
    large_held += large ? 1 : 0;
    held[slot] = std::move(c);
    sent_ns_[slot] = wire::now_ns();
    deadlines.measured[slot] = false;
    slot_of(call).offer(number);
    if (tasks_->publish({size, wire::frame_kind::run, slot, number}))
        wake();
    return true;
}

void worker_channel::send_start_call(wire::frame_kind kind, const encoded_initializer& call,
                                     segment_store& store) {
    FERRY_ASSERT(life.now() == worker_lifecycle::stage::starting);
    payload copy(call.arguments);
    std::uint32_t size = 0;
    if ((copy.size() >= large_payload && !share(copy, store)) ||
        reserve(call.entry, {}, {}, copy.bytes(), copy.shared(), size) == nullptr)
        throw std::runtime_error("the initializer or finalizer cannot be sent to a worker process");
    if (copy.shared() != nullptr)
        copy.shared()->surplus = true; // not used again, because the worker may keep it
    start_calls.push_back(std::move(copy));
    if (tasks_->publish({size, kind, 0, 0}))
        wake();
}

bool worker_channel::revoke(std::uint16_t slot) noexcept {
    FERRY_ASSERT(slot < held.size());
    const remote_call_ptr& c = held[slot];
    return c != nullptr &&
           memory->slots[slot].move(c->number, wire::slot_state::offered, wire::slot_state::free);
}

remote_call_ptr worker_channel::release(std::uint16_t slot) noexcept {
    FERRY_ASSERT(held[slot] != nullptr && held[slot]->at == this && held[slot]->slot == slot);
    remote_call_ptr c = std::move(held[slot]);
    free_slots |= std::uint64_t(1) << slot;
    condemned_slots &= ~(std::uint64_t(1) << slot);
    c->at = nullptr;
    FERRY_ASSERT(c->arguments.size() < large_payload || large_held != 0);
    large_held -= c->arguments.size() >= large_payload ? 1 : 0;
    deadlines.remove(slot);
    return c;
}

const remote_call* worker_channel::running() const noexcept {
    for (const auto& c : held) {
        if (c && memory->slots[c->slot].is(c->number, wire::slot_state::claimed))
            return c.get();
    }
    return nullptr;
}

bool worker_channel::is_unstarted(const remote_call& c) const noexcept {
    return !is_condemned(c.slot) && memory->slots[c.slot].is(c.number, wire::slot_state::offered);
}

bool worker_channel::is_sound() noexcept {
    using wire::slot_state;
    unsigned begun = 0;
    for (std::size_t i = 0; i < held.size(); ++i) {
        if (!held[i])
            continue;
        const auto& slot = memory->slots[i];
        const std::uint64_t number = held[i]->number;
        const bool condemned = (condemned_slots >> i & 1) != 0;
        if (condemned || slot.is(number, slot_state::offered))
            continue;
        if (!slot.is(number, slot_state::claimed) && !slot.is(number, slot_state::done))
            return false;
        begun += slot.is(number, slot_state::claimed) ? 1 : 0;
    }
    return begun <= 1 && tasks_->sound();
}

std::int64_t worker_channel::started_ns(std::int64_t now) const noexcept {
    const remote_call* const c = running();
    const std::int64_t given = c != nullptr ? sent_ns_[c->slot] : now;
    return std::clamp(memory->started_ns.load(), std::min(given, now), now);
}

bool worker_channel::is_full_of_large() const noexcept { return large_held >= most_large; }

bool worker_channel::ask_to_stop(std::uint64_t number) noexcept {
    return send_message(socket.get(), {wire::message::what::stop, 0, number}, {});
}

void worker_channel::forget_segment(std::uint32_t number) noexcept {
    segments_sent.forget(number);
    static_cast<void>(send_message(socket.get(), {wire::message::what::forget, number, 0}, {}));
}

void worker_channel::request_exit() noexcept {
    memory->leave.store(1);
    memory->tasks.reader_sleeps.store(0);
    wake();
}

} // namespace ferry::detail
