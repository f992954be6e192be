// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The two threads of a worker process.
#include "worker_process.hpp"

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/process/context.hpp>

#include "support/futex.hpp"
#include <ferry/process/detail/entry_point.hpp>

#include "crash_handler.hpp"
#include "own_limits.hpp"
#include "process_usage.hpp"
#include "signals_blocked.hpp"
#include "worker_exit.hpp"
#include "worker_main.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>

namespace ferry::detail {
namespace {

constexpr const char* socket_is_gone = "its socket is not there: did a task close it?";

constexpr std::chrono::milliseconds moment(10);

} // namespace

worker_process::must_return::~must_return() {
    if (!returned)
        leave(wire::exit_unwound);
}

void worker_process::check_event() const {
    if (!wire::is_marked_event(answered_.get()))
        give_up("its event descriptor is not there: did a task close it?");
}

void worker_process::accept() {
    wire::message m;
    std::array<descriptor, 2> files;
    reception got{};
    while ((got = receive_message(socket_.get(), m, files, true)) == reception::is_short)
        std::this_thread::sleep_for(moment);
    if (got != reception::message || m.kind != wire::message::what::hello || !files[0] || !files[1])
        ::_exit(wire::exit_protocol); // the pool has ended already
    start_calls_ = m.id;
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
    most_memory_ = memory_->most_memory.load();
    tasks_.emplace(memory_->tasks, memory_->task_bytes.data());
    answers_.emplace(memory_->answers, memory_->answer_bytes.data());
    install_crash_handler(memory_->crash);
    confine_self();
}

// ---- The listening thread -----------------------------------------------------------------------

void worker_process::listen() {
    for (;;) {
        pollfd from[] = {{socket_.get(), POLLIN, 0}, {parent_.get(), POLLIN, 0}};
        // The socket does not report the end of a parent if another child of it keeps the other end
        // open. Without a handle of the parent its number is therefore compared from time to time.
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
        const reception got = [&] {
            const limits_lifted own;
            return receive_message(socket_.get(), m, files, false);
        }();
        switch (got) {
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
                const annotated_lock lock(mutex_);
                segments_.add(m.id, file, m.number);
                break;
            } catch (const std::exception&) { // a shortage, which may pass
            }
            if (::getppid() != parent_pid_) // nobody else watches the parent meanwhile
                ::_exit(0);
            std::this_thread::sleep_for(moment);
        }
        arrived_.notify_all();
    } else if (m.kind == wire::message::what::forget) {
        const annotated_lock lock(mutex_);
        segments_.forget(m.id);
    } else if (m.kind == wire::message::what::stop) {
        std::optional<std::stop_source> source;
        {
            const annotated_lock lock(mutex_);
            if (m.number == current_)
                source = stop_;
        }
        if (source)
            request_stop(*source);
    }
}

// Stop callbacks of the task may take long, so they run in a thread of their own while this one
// goes on watching the parent.
void worker_process::request_stop(const std::stop_source& source) {
    try {
        const limits_lifted own;
        const signals_blocked quiet;
        std::thread([source]() mutable { source.request_stop(); }).detach();
    } catch (const std::exception&) { // a shortage: no thread can be started
        std::stop_source(source).request_stop();
    }
}

// ---- The main thread ----------------------------------------------------------------------------

void worker_process::run() {
    accept();
    {
        const signals_blocked quiet;
        std::thread([this] { listen(); }).detach();
    }
    if (start_calls_ == 0)
        say_ready();
    for (;;) {
        wire::frame f;
        next(f);
        if (f.header.kind == wire::frame_kind::run)
            run_task(f);
        else if (f.header.kind == wire::frame_kind::initialise)
            initialise(f);
        else if (f.header.kind == wire::frame_kind::finalise)
            keep_finalizer(f);
        else
            give_up("a frame of an unknown kind");
    }
}

// Waits for the next frame. Ends the process if there is none and the pool has asked it to leave.
void worker_process::next(wire::frame& f) {
    for (;;) {
        switch (tasks_->next(f)) {
        case wire::decoded::frame: return;
        case wire::decoded::malformed: give_up("a malformed frame");
        case wire::decoded::nothing: break;
        }
        std::fflush(stdout);
        std::optional<std::chrono::steady_clock::time_point> until;
        if (has_large_segments()) {
            trim();
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
        }
        if (!tasks_->prepare_sleep())
            continue;
        if (memory_->leave.load() != 0)
            leave_in_order();
        futex_wait(reinterpret_cast<std::uint32_t*>(&memory_->tasks.reader_sleeps), 1, until,
                   futex_scope::shared);
    }
}

void worker_process::invoke(std::span<const std::byte> body, byte_sink& out,
                            const std::stop_token& stop) {
    byte_source in(body);
    const auto what = in.get<wire::run_body>();
    std::string path(what.path_size, '\0');
    in.read(path.data(), path.size());
    const std::string_view context(in.take(what.context_size), what.context_size);
    const void* entry = nullptr;
    {
        const limits_lifted own;
        entry = detail::resolve({what.module, what.offset, path});
    }
    auto arguments = body.last(in.remaining());
    std::shared_ptr<segment> shared;
    if (what.in_segment != 0) {
        const auto ref = in.get<wire::segment_ref>();
        shared = find_segment(ref);
        arguments = {shared->data(), ref.size};
        arguments_in_ = ref.id;
    }
    byte_source from(arguments, what.in_segment == 2 ? std::move(shared) : nullptr);
    const optional_context_scope scope(context.empty() ? nullptr : decode_context(context));
    reinterpret_cast<entry_point>(const_cast<void*>(entry))(from, out, stop);
}

bool worker_process::call(const wire::frame& f, byte_sink& out, const std::stop_token& stop) {
    must_return guard;
    try {
        invoke(f.body, out, stop);
        guard.returned = true;
        return true;
    } catch (...) {
        const auto error = caught_or_unwind();
        call_failed(error);
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
    wire::run_body task;
    if (f.body.size() < sizeof task)
        give_up("a truncated task");
    std::memcpy(&task, f.body.data(), sizeof task);
    std::stop_token stop;
    if (task.takes_stop_token) {
        const annotated_lock lock(mutex_);
        current_ = h.task;
        stop = stop_.emplace().get_token();
    }
    if (memory_->setup.measures_cpu)
        memory_->cpu_at_start.store(
            cpu_time_of(::getpid()).value_or(std::chrono::seconds(0)).count(),
            std::memory_order_relaxed);
    note_running_task(h.task);
    const std::int64_t started = wire::now_ns();
    memory_->started_ns.store(started, std::memory_order_relaxed);
    if (!slot.move(h.task, slot_state::offered, slot_state::claimed)) {
        tasks_->release();
        return; // the pool has taken the task back
    }
    byte_sink out(store_);
    if (task.reports) {
        reporting_ = h;
        report_gate_.emplace(worker_report_period);
        set_progress_receiver(this);
    }
    const bool succeeded = call(f, out, stop);
    end_copy();
    if (task.reports) {
        set_progress_receiver(nullptr);
        if (const auto last = std::exchange(kept_report_, std::nullopt))
            send_progress(*last);
    }
    tasks_->release();
    if (task.takes_stop_token) {
        const annotated_lock lock(mutex_);
        current_ = 0;
        stop_.reset();
    }
    // While the task still counts as running: a lack of room may hold this up, and the pool can end
    // the worker meanwhile, at a timeout for example.
    const bool is_gift = out.is_given_away();
    const auto shared = share_result(out);
    if (!slot.move(h.task, slot_state::claimed, slot_state::done)) {
        if (!slot.is(h.task, slot_state::condemned))
            give_up("the slot of its task was overwritten: did the task do it?");
        for (;;) // the pool is about to end this process by a signal
            ::pause();
    }
    const bool retires = most_memory_ != 0 && resident_memory() > most_memory_;
    wire::answer_body body{wire::now_ns() - started, 0, retires, keeps_arguments()};
    if (shared)
        body.in_segment = is_gift ? 2 : 1;
    send({0, succeeded ? wire::frame_kind::value : wire::frame_kind::error, h.slot, h.task},
         std::as_bytes(std::span(&body, 1)),
         shared ? std::as_bytes(std::span(&*shared, 1)) : out.bytes());
    if (retires)
        retire();
    if (++tasks_run_ % 64 == 0)
        trim();
}

// Puts a result that is too large for a frame where the pool can read it; else does nothing.
std::optional<wire::segment_ref> worker_process::share_result(byte_sink& out) {
    if (out.size() < large_payload)
        return std::nullopt;
    const bool is_gift = out.is_given_away();
    payload p = share(out.finish());
    segment& s = *p.shared();
    const wire::segment_ref ref{s.id(), p.size()};
    if (is_gift) {
        give_away(std::move(p));
        return ref;
    }
    s.head().in_use.store(1, std::memory_order_relaxed);
    for (;;) {
        if (!socket_is_.is(socket_.get()))
            give_up(socket_is_gone);
        try {
            if (announced_.announce(socket_.get(), s))
                return ref;
        } catch (const std::bad_alloc&) {
            errno = ENOMEM;
        }
        if (!is_passing(errno))
            ::_exit(0); // the pool is gone
        std::this_thread::sleep_for(moment);
    }
}

// Sends the file of the mapping and keeps no mapping of it, so that the pool can seal it.
void worker_process::give_away(payload p) {
    segment_ptr s = p.give_away();
    const wire::message m{wire::message::what::gift, s->id(), s->capacity()};
    announced_.forget(m.id);
    const descriptor file = s->take_file();
    s.reset();
    const int number = file.get();
    while (!send_message(socket_.get(), m, {&number, 1})) {
        if (!socket_is_.is(socket_.get()))
            give_up(socket_is_gone);
        if (!is_passing(errno))
            ::_exit(0); // the pool is gone
        std::this_thread::sleep_for(moment);
    }
}

void worker_process::send(wire::frame_header h, std::span<const std::byte> first,
                          std::span<const std::byte> second) {
    const std::size_t size = first.size() + second.size();
    std::byte* room = answers_->reserve(size);
    while (room == nullptr) { // until the pool has read earlier frames
        if (!answers_->sound())
            give_up("the positions of its answers were overwritten: did a task do it?");
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        room = answers_->reserve(size);
    }
    std::memcpy(room, first.data(), first.size());
    if (!second.empty())
        std::memcpy(room + first.size(), second.data(), second.size());
    h.size = static_cast<std::uint32_t>(size);
    // Checked before the frame is published, because an answer of which the pool cannot be told
    // would be noticed late.
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

} // namespace ferry::detail
