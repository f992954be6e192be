// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a worker process does.
#include "worker_main.hpp"

#include "support/futex.hpp"
#include <ferry/process/detail/task.hpp>
#include <ferry/process/run_worker_if_spawned.hpp>

#include "support/fork_count.hpp"
#include "callback_thread.hpp"
#include "message.hpp"
#include "segment.hpp"
#include "wire.hpp"
#include "worker_signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <mutex>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>

namespace ferry {
namespace detail {
namespace {

std::atomic<bool> entry_called{false};

[[noreturn]] void leave(int code) {
    std::cout.flush();
    std::cerr.flush();
    std::clog.flush();
    std::fflush(nullptr);
    ::_exit(code);
}

/// What a descriptor was at the start: a task may have closed it, and opened something of its own,
/// which has that number now and must get nothing of ours.
class identity {
public:
    identity() = default;
    explicit identity(int fd) noexcept {
        if (struct ::stat s {}; ::fstat(fd, &s) == 0) {
            device_ = s.st_dev;
            node_ = s.st_ino;
        }
    }
    bool is(int fd) const noexcept {
        struct ::stat s {};
        return ::fstat(fd, &s) == 0 && s.st_dev == device_ && s.st_ino == node_;
    }

private:
    dev_t device_{};
    ino_t node_{};
};

identity standard_error;

[[noreturn]] void give_up(const char* why) {
    if (standard_error.is(STDERR_FILENO))
        std::fprintf(stderr, "ferry: a worker process ends: %s\n", why);
    ::_exit(wire::exit_protocol);
}

constexpr const char* socket_is_gone = "its socket is not there: did a task close it?";

constexpr std::chrono::milliseconds moment(10);

/// The process's one worker.
///
/// The main thread runs tasks. The other thread waits for what comes over the socket, and ends the
/// process when its parent has ended.
class worker_process {
public:
    explicit worker_process(descriptor socket)
        : socket_(std::move(socket)), socket_is_(socket_.get()), forks_(fork_count()) {}

    [[noreturn]] void run();

private:
    /// Ends the process where a task leaves its thread without returning or throwing.
    struct must_return {
        bool returned = false;
        ~must_return() {
            if (!returned)
                leave(wire::exit_unwound);
        }
    };

    void accept();
    [[noreturn]] void listen();
    void handle(const wire::message& m, const descriptor& file);
    void next(wire::frame& f);
    void run_task(const wire::frame& f);
    void initialise(const wire::frame& f);
    /// Calls what the frame names; false, and the error written to `out`, when it throws.
    bool call(const wire::frame& f, byte_sink& out, const std::stop_token& stop);
    std::span<const std::byte> find_segment(const wire::segment_ref& ref);
    void answer(wire::frame_header h, std::int64_t run_ns, byte_sink& out);
    void send(wire::frame_header h, std::span<const std::byte> first,
              std::span<const std::byte> second);
    void say_ready();
    payload share(payload p);
    void check_event() const {
        if (!wire::is_marked_event(answered_.get()))
            give_up("its event descriptor is not there: did a task close it?");
    }
    void trim() noexcept;
    /// Ends a child that a task made by fork() and that comes back from the task.
    void end_copy() const noexcept {
        if (forks_ != fork_count())
            ::_exit(0);
    }

    descriptor socket_;
    int parent_pid_ = 0;
    const identity socket_is_;
    const unsigned forks_;
    descriptor parent_; // its handle, where the system gives one
    descriptor answered_; // wakes the pool's reader
    bool has_initializer_ = false;
    wire::channel* memory_ = nullptr;
    std::optional<wire::ring_reader> tasks_;
    std::optional<wire::ring_writer> answers_;
    segment_store store_{4, segment::side::worker};
    unsigned tasks_run_ = 0;
    segment_announcer announced_; // the store's

    std::mutex mutex_; // guards what follows
    std::condition_variable arrived_;
    received_segments segments_{segment::side::worker};
    std::uint64_t current_ = 0; // the task that runs
    std::optional<std::stop_source> stop_;
};

void worker_process::accept() {
    wire::message m;
    std::array<descriptor, 2> files;
    reception got{};
    while ((got = receive_message(socket_.get(), m, files, true)) == reception::is_short)
        std::this_thread::sleep_for(moment);
    if (got != reception::message || m.kind != wire::message::what::hello || !files[0] || !files[1])
        ::_exit(wire::exit_protocol); // its parent has gone
    has_initializer_ = m.id != 0;
    answered_ = std::move(files[1]);
    parent_pid_ = ::getppid();
    parent_ = descriptor(static_cast<int>(::syscall(SYS_pidfd_open, parent_pid_, 0)));
    if (static_cast<std::uint64_t>(::getppid()) != m.number)
        ::_exit(wire::exit_protocol);
    void* const at = ::mmap(nullptr, sizeof(wire::channel), PROT_READ | PROT_WRITE, MAP_SHARED,
                            files[0].get(), 0);
    if (at == MAP_FAILED)
        give_up("its channel cannot be mapped");
    memory_ = static_cast<wire::channel*>(at);
    tasks_.emplace(memory_->tasks, memory_->task_bytes.data());
    answers_.emplace(memory_->answers, memory_->answer_bytes.data());
}

// ---- The listening thread -----------------------------------------------------------------------

void worker_process::listen() {
    for (;;) {
        pollfd from[] = {{socket_.get(), POLLIN, 0}, {parent_.get(), POLLIN, 0}};
        // Without a handle only a look from time to time tells of a parent whose descriptors a
        // child of its own keeps open.
        if (::poll(from, parent_ ? 2 : 1, parent_ ? -1 : 500) < 0 && errno != EINTR)
            give_up("its descriptors cannot be waited for");
        if (from[1].revents != 0 || (!parent_ && ::getppid() != parent_pid_))
            ::_exit(0);
        if (from[0].revents == 0)
            continue;
        if (!socket_is_.is(socket_.get()))
            give_up(socket_is_gone);
        wire::message m;
        std::array<descriptor, 2> files;
        switch (receive_message(socket_.get(), m, files, false)) {
        case reception::message: handle(m, files[0]); break;
        case reception::none: break;
        case reception::is_short: std::this_thread::sleep_for(moment); break;
        default: ::_exit(0); // the pool is gone
        }
    }
}

void worker_process::handle(const wire::message& m, const descriptor& file) {
    if (m.kind == wire::message::what::segment && file) {
        for (;;) {
            try {
                const std::lock_guard lock(mutex_);
                segments_.add(m.id, file, m.number);
                break;
            } catch (const std::exception&) { // a shortage, which may pass
            }
            std::this_thread::sleep_for(moment);
        }
        arrived_.notify_all();
    } else if (m.kind == wire::message::what::forget) {
        const std::lock_guard lock(mutex_);
        segments_.forget(m.id);
    } else if (m.kind == wire::message::what::stop) {
        std::optional<std::stop_source> source;
        {
            const std::lock_guard lock(mutex_);
            if (m.number == current_)
                source = stop_;
        }
        if (source)
            source->request_stop();
    }
}

std::span<const std::byte> worker_process::find_segment(const wire::segment_ref& ref) {
    std::unique_lock lock(mutex_);
    for (;;) { // it was announced before, so it arrives, or the process ends
        if (const auto s = segments_.find(ref.id, ref.size))
            return {s->data(), ref.size};
        arrived_.wait(lock);
    }
}

// ---- The main thread ----------------------------------------------------------------------------

void worker_process::run() {
    accept();
    {
        const signals_blocked quiet;
        std::thread([this] { listen(); }).detach();
    }
    if (!has_initializer_)
        say_ready();
    for (;;) {
        wire::frame f;
        next(f);
        if (f.header.kind == wire::frame_kind::run)
            run_task(f);
        else if (f.header.kind == wire::frame_kind::initialise)
            initialise(f);
        else
            give_up("a frame of an unknown kind");
    }
}

// Waits for the next frame; leaves when it is to leave.
void worker_process::next(wire::frame& f) {
    for (;;) {
        switch (tasks_->next(f)) {
        case wire::decoded::frame: return;
        case wire::decoded::malformed: give_up("a malformed frame");
        case wire::decoded::nothing: break;
        }
        std::fflush(stdout);
        std::optional<std::chrono::steady_clock::time_point> until;
        if (store_.has_large()) {
            trim();
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
        }
        if (!tasks_->prepare_sleep())
            continue;
        if (memory_->leave.load() != 0)
            leave(0);
        futex_wait(reinterpret_cast<std::uint32_t*>(&memory_->tasks.reader_sleeps), 1, until,
                   futex_scope::shared);
    }
}

bool worker_process::call(const wire::frame& f, byte_sink& out, const std::stop_token& stop) {
    must_return guard;
    try {
        byte_source in(f.body);
        const auto body = in.get<wire::run_body>();
        std::string path(body.path_size, '\0');
        in.read(path.data(), path.size());
        const auto* const entry = resolve({body.module, body.offset, path});
        auto arguments = f.body.last(in.remaining());
        if (body.in_segment)
            arguments = find_segment(in.get<wire::segment_ref>());
        byte_source from(arguments);
        reinterpret_cast<entry_point>(const_cast<void*>(entry))(from, out, stop);
        guard.returned = true;
        return true;
    } catch (...) {
        const auto error = std::current_exception();
        if (error == nullptr) // the thread is being ended
            throw;
        out.truncate(0);
        put_exception(out, error);
        guard.returned = true;
        return false;
    }
}

void worker_process::run_task(const wire::frame& f) {
    using wire::slot_state;
    const auto& h = f.header;
    auto& slot = memory_->slots[h.slot];
    wire::run_body body;
    if (f.body.size() < sizeof body)
        give_up("a truncated task");
    std::memcpy(&body, f.body.data(), sizeof body);
    std::stop_token stop;
    if (body.takes_stop_token) {
        const std::lock_guard lock(mutex_);
        current_ = h.task;
        stop = stop_.emplace().get_token();
    }
    const std::int64_t started = wire::now_ns();
    memory_->started_ns.store(started, std::memory_order_relaxed);
    if (!slot.move(h.task, slot_state::offered, slot_state::claimed)) {
        tasks_->release();
        return; // it was taken back
    }
    byte_sink out(store_);
    const bool succeeded = call(f, out, stop);
    end_copy();
    tasks_->release();
    if (body.takes_stop_token) {
        const std::lock_guard lock(mutex_);
        current_ = 0;
        stop_.reset();
    }
    if (!slot.move(h.task, slot_state::claimed, slot_state::done)) {
        if (!slot.is(h.task, slot_state::condemned))
            give_up("the slot of its task was overwritten: did the task do it?");
        for (;;) // the signal is on its way
            ::pause();
    }
    answer({0, succeeded ? wire::frame_kind::value : wire::frame_kind::error, h.slot, h.task},
           wire::now_ns() - started, out);
    if (++tasks_run_ % 64 == 0)
        trim();
}

// Gives memory back that was needed for something larger than what came since.
void worker_process::trim() noexcept {
    segment_store::let_go gone;
    while (store_.trim(wire::now_ns(), gone))
        announced_.forget(gone.id);
}

void worker_process::initialise(const wire::frame& f) {
    byte_sink out(store_);
    const bool succeeded = call(f, out, {});
    end_copy();
    tasks_->release();
    if (succeeded) {
        say_ready();
        return;
    }
    send({0, wire::frame_kind::not_ready, 0, 0},
         out.bytes().first(std::min(out.size(), wire::max_body)), {});
    leave(wire::exit_not_ready);
}

void worker_process::say_ready() {
    const std::uint64_t identity = program_identity();
    send({0, wire::frame_kind::ready, 0, 0}, std::as_bytes(std::span(&identity, 1)), {});
}

void worker_process::answer(wire::frame_header h, std::int64_t run_ns, byte_sink& out) {
    wire::answer_body body{run_ns, 0};
    const auto first = std::as_bytes(std::span(&body, 1));
    if (out.size() < large_payload) {
        send(h, first, out.bytes());
        return;
    }
    body.in_segment = 1;
    const payload p = share(out.finish());
    segment& s = *p.shared();
    s.head().in_use.store(1, std::memory_order_relaxed);
    for (;;) {
        if (!socket_is_.is(socket_.get()))
            give_up(socket_is_gone);
        try {
            if (announced_.announce(socket_.get(), s))
                break;
        } catch (const std::bad_alloc&) {
            errno = ENOMEM;
        }
        if (!is_passing(errno))
            ::_exit(0); // the pool is gone
        std::this_thread::sleep_for(moment);
    }
    const wire::segment_ref ref{s.id(), p.size()};
    send(h, first, std::as_bytes(std::span(&ref, 1)));
}

// Puts it into a mapping, where it is in none, as soon as there is a free one.
payload worker_process::share(payload p) {
    while (p.shared() == nullptr) {
        if (segment_ptr s = store_.lend(p.size())) {
            std::memcpy(s->data(), p.bytes().data(), p.size());
            p = payload(std::move(s), p.size(), store_);
        } else {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }
    return p;
}

void worker_process::send(wire::frame_header h, std::span<const std::byte> first,
                          std::span<const std::byte> second) {
    const std::size_t size = first.size() + second.size();
    std::byte* room = answers_->reserve(size);
    while (room == nullptr) { // the pool is reading
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        room = answers_->reserve(size);
    }
    std::memcpy(room, first.data(), first.size());
    if (!second.empty())
        std::memcpy(room + first.size(), second.data(), second.size());
    h.size = static_cast<std::uint32_t>(size);
    // Before the pool is told, since a worker that cannot wake it is of no use.
    const bool checked = answers_->reader_sleeps();
    if (checked)
        check_event();
    if (!answers_->publish(h))
        return;
    if (!checked)
        check_event();
    const std::uint64_t one = 1;
    while (::write(answered_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

// ---- The start ----------------------------------------------------------------------------------

void open_standard_streams() {
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
            ::_exit(wire::exit_protocol);
    }
}

} // namespace

bool worker_entry_was_called() noexcept { return entry_called.load(); }

int worker_depth() noexcept {
    const char* const text = ::secure_getenv(wire::depth_variable);
    return text != nullptr ? std::atoi(text) : 0;
}

} // namespace detail

void run_worker_if_spawned() {
    using namespace detail;
    const char* const text = ::secure_getenv(wire::worker_variable);
    if (text == nullptr || entry_called.exchange(true)) {
        entry_called.store(true);
        return;
    }
    const int fd = std::atoi(text);
    ::unsetenv(wire::worker_variable); // not for the programs that tasks start
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return; // the variable is somebody else's
    open_standard_streams();
    ::prctl(PR_SET_NAME, program_invocation_short_name);
    standard_error = identity(STDERR_FILENO);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    reset_signals();
    static auto* const worker = new worker_process(descriptor(fd));
    worker->run();
}

} // namespace ferry
