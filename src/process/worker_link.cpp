// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_link.hpp"

#include <ferry/detail/futex.hpp>

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace ferry::detail {
namespace {

constexpr std::size_t tail_size = 4096;

// Out of the way of the descriptors that the child arranges.
descriptor high(descriptor d) {
    return descriptor::checked(::fcntl(d.get(), F_DUPFD_CLOEXEC, 10), "fcntl");
}

} // namespace

worker_link::worker_link(std::uint32_t number, const child_options& options, std::size_t max_tasks,
                         bool has_initializer)
    : id(number), life(max_tasks) {
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
    standard_error = high(std::move(read_end));
    ::fcntl(standard_error.get(), F_SETFL, O_NONBLOCK);

    answered = descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    const descriptor memory_file = descriptor::checked(
        ::memfd_create("ferry-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
    if (::ftruncate(memory_file.get(), sizeof(wire::channel)) != 0)
        throw std::system_error(errno, std::generic_category(), "ftruncate of a channel");
    ::fcntl(memory_file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    void* const at = ::mmap(nullptr, sizeof(wire::channel), PROT_READ | PROT_WRITE, MAP_SHARED,
                            memory_file.get(), 0);
    if (at == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap of a channel");
    memory = static_cast<wire::channel*>(at); // zero is its first state
    tasks_.emplace(memory->tasks, memory->task_bytes.data());
    answers.emplace(memory->answers, memory->answer_bytes.data());
    static_cast<void>(answers->prepare_sleep());

    const int files[] = {memory_file.get(), answered.get()};
    static_cast<void>(send_message(socket.get(),
                                   {wire::message::what::hello, has_initializer ? 1u : 0u,
                                    static_cast<std::uint64_t>(::getpid())},
                                   files));
    child_options c = options;
    c.socket = theirs.get();
    c.standard_error = write_end.get();
    try {
        process.emplace(c);
    } catch (...) {
        ::munmap(memory, sizeof(wire::channel));
        throw;
    }
}

worker_link::~worker_link() { ::munmap(memory, sizeof(wire::channel)); }

void worker_link::wake() noexcept {
    futex_wake(reinterpret_cast<std::uint32_t*>(&memory->tasks.reader_sleeps), 1,
               futex_scope::shared);
}

std::byte* worker_link::reserve(const code_ref& entry, bool stops,
                                std::span<const std::byte> arguments, segment* shared,
                                std::uint32_t& size) {
    if (shared != nullptr && !segments_sent.announce(socket.get(), *shared))
        return nullptr;
    const wire::segment_ref ref{shared != nullptr ? shared->id() : 0, arguments.size()};
    if (shared != nullptr)
        arguments = std::as_bytes(std::span(&ref, 1));
    wire::run_body body{entry.module, entry.offset, static_cast<std::uint16_t>(entry.path.size()),
                        stops, shared != nullptr};
    size = static_cast<std::uint32_t>(sizeof body + entry.path.size() + arguments.size());
    std::byte* const room = tasks_->reserve(size);
    if (room == nullptr)
        return nullptr;
    std::byte* at = room;
    const auto put = [&at](const void* data, std::size_t n) {
        if (n != 0)
            std::memcpy(at, data, n);
        at += n;
    };
    put(&body, sizeof body);
    put(entry.path.data(), entry.path.size());
    put(arguments.data(), arguments.size());
    return room;
}

bool worker_link::give(const held_call& c, std::uint64_t number) {
    if (free_slots == 0)
        return false;
    remote_call& call = *c.call;
    std::uint32_t size = 0;
    if (reserve(call.entry, call.stops, call.arguments.bytes(), call.arguments.shared(), size) ==
        nullptr)
        return false;
    call.slot = static_cast<std::uint16_t>(std::countr_zero(free_slots));
    call.number = number;
    call.at = this;
    free_slots &= free_slots - 1;
    held[call.slot] = c;
    slot_of(call).offer(number);
    life.handed_out();
    if (tasks_->publish({size, wire::frame_kind::run, call.slot, number}))
        wake();
    return true;
}

void worker_link::give_initializer(const encoded_initializer& init, const payload& arguments) {
    std::uint32_t size = 0;
    if (reserve(init.entry, false, arguments.bytes(), arguments.shared(), size) == nullptr)
        throw std::runtime_error("the initializer cannot be sent to a worker process");
    if (tasks_->publish({size, wire::frame_kind::initialise, 0, 0}))
        wake();
}

bool worker_link::take_back(remote_call& c) noexcept {
    if (!slot_of(c).move(c.number, wire::slot_state::offered, wire::slot_state::free))
        return false;
    static_cast<void>(let_go(c.slot));
    life.taken_back();
    return true;
}

held_call worker_link::let_go(std::uint16_t slot) noexcept {
    held_call c = std::exchange(held[slot], {});
    if (c) {
        free_slots |= std::uint64_t(1) << slot;
        c.call->at = nullptr;
    }
    return c;
}

const held_call* worker_link::running() const noexcept {
    for (const auto& h : held) {
        if (h && memory->slots[h.call->slot].is(h.call->number, wire::slot_state::claimed))
            return &h;
    }
    return nullptr;
}

bool worker_link::ask_to_stop(std::uint64_t number) noexcept {
    return send_message(socket.get(), {wire::message::what::stop, 0, number}, {});
}

void worker_link::tell_to_leave() noexcept {
    memory->leave.store(1);
    memory->tasks.reader_sleeps.store(0);
    wake();
}

std::shared_ptr<segment> worker_link::find_segment(const wire::segment_ref& ref) {
    for (int rounds = 0; rounds < 64; ++rounds) { // it was announced before it was used
        if (auto s = segments_received.find(ref.id, ref.size))
            return s;
        wire::message m;
        std::array<descriptor, 2> files;
        bool ended = false;
        if (!receive_message(socket.get(), m, files, false, ended) ||
            m.kind != wire::message::what::segment || !files[0])
            return nullptr;
        segments_received.add(m.id, std::move(files[0]), m.number);
    }
    return nullptr;
}

worker_link::stream worker_link::read_stderr(bool last) {
    char text[PIPE_BUF]; // what poll() says can be written without blocking
    for (int rounds = 0; rounds < 64; ++rounds) {
        pollfd out{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&out, 1, 0) == 0 && !last)
            return stream::blocked;
        const ssize_t n = ::read(standard_error.get(), text, sizeof text);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? stream::open : stream::ended;
        const auto size = static_cast<std::size_t>(n);
        if ((out.revents & POLLOUT) != 0 && ::write(STDERR_FILENO, text, size) < 0)
            out.revents = 0; // nobody reads it
        stderr_tail.append(text, size);
        if (stderr_tail.size() > tail_size)
            stderr_tail.erase(0, stderr_tail.size() - tail_size);
    }
    return stream::open;
}

} // namespace ferry::detail
