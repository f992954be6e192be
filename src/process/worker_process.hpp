// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/progress_sink.hpp>
#include <ferry/process/detail/bytes.hpp>

#include "descriptor_identity.hpp"
#include "message.hpp"
#include "segment.hpp"
#include "support/annotated_mutex.hpp"
#include "support/descriptor.hpp"
#include "support/fork_count.hpp"
#include "wire.hpp"

#include <condition_variable>
#include <optional>
#include <stop_token>
#include <vector>

namespace ferry::detail {

/// The shortest time between two reports of progress that are sent: a little longer than the pool's
/// period, so that two that arrive soon after each other are seldom held back there.
inline constexpr std::chrono::milliseconds worker_report_period =
    progress_period + std::chrono::milliseconds(5);

/// The process's one worker.
///
/// The main thread runs tasks. The other thread waits for what comes over the socket, and ends the
/// process when its parent has ended.
class worker_process final : progress_receiver {
public:
    explicit worker_process(descriptor socket)
        : socket_(std::move(socket)), socket_is_(socket_.get()), forks_(fork_count()) {}

    [[noreturn]] void run();

private:
    /// Ends the process where a task leaves its thread without returning or throwing.
    struct must_return {
        bool returned = false;
        ~must_return();
    };

    void accept();
    void confine_self();
    /// From the task that runs, in the main thread.
    void on_report(double done, std::string_view note) override;
    void send_progress(const progress& p);
    [[noreturn]] void listen();
    void handle(const wire::message& m, const descriptor& file);
    static void request_stop(const std::stop_source& source);
    void next(wire::frame& f);
    void run_task(const wire::frame& f);
    void initialise(const wire::frame& f);
    void keep_finalizer(const wire::frame& f);
    void got_start_call();
    /// Leaves when it is told to, and starts no task until then.
    [[noreturn]] void retire();
    [[noreturn]] void leave_in_order();
    /// Calls what the body of a frame names.
    void invoke(std::span<const std::byte> body, byte_sink& out, const std::stop_token& stop);
    /// Calls what the frame names; false, and the error written to `out`, when it throws.
    bool call(const wire::frame& f, byte_sink& out, const std::stop_token& stop);
    std::shared_ptr<segment> find_segment(const wire::segment_ref& ref);
    /// Whether a value of the program lies in the mapping of the arguments of the last call.
    bool keeps_arguments() noexcept;
    std::optional<wire::segment_ref> share_result(byte_sink& out);
    void send(wire::frame_header h, std::span<const std::byte> first,
              std::span<const std::byte> second);
    void say_ready();
    payload share(payload p);
    void give_away(payload p);
    void check_event() const;
    void trim() noexcept;
    /// Whether there is memory that `trim` may have to give back one day.
    bool has_large_segments() noexcept;
    /// Ends a child that a task made by fork() and that comes back from the task.
    void end_copy() const noexcept {
        if (forks_ != fork_count())
            ::_exit(0);
    }

    descriptor socket_;
    int parent_pid_ = 0;
    const descriptor_identity socket_is_;
    const unsigned forks_;
    descriptor parent_;        // its handle, where the system gives one
    descriptor answered_;      // wakes the pool's reader
    unsigned start_calls_ = 0; // still to come
    std::size_t most_memory_ = 0;
    std::vector<std::byte> finalizer_; // as the body of a frame
    std::uint32_t arguments_in_ = 0;   // the mapping that the last call may keep
    wire::channel* memory_ = nullptr;
    std::optional<wire::ring_reader> tasks_;
    std::optional<wire::ring_writer> answers_;
    segment_store store_{4, segment::side::worker};
    unsigned tasks_run_ = 0;
    std::optional<wire::frame_header> reporting_; // of the task whose progress is wanted
    std::optional<progress_gate> report_gate_;
    std::optional<progress> kept_report_;
    segment_announcer announced_; // the store's

    std::condition_variable arrived_;
    annotated_mutex mutex_;
    received_segments segments_ FERRY_GUARDED_BY(mutex_){segment::side::worker};
    std::uint64_t current_ FERRY_GUARDED_BY(mutex_) = 0; // the task that runs
    std::optional<std::stop_source> stop_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
