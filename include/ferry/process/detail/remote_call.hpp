// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/process/detail/bytes.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/thread_pool.hpp>

#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>

namespace ferry::detail {

class remote_call;
class segment;
class segment_store;
struct worker_channel;

using remote_call_ptr = boost::intrusive_ptr<remote_call>;

/// What the tasks of a process pool and the templates that submit them see of their pool.
/// Thread safety: safe.
class FERRY_DECL call_host {
public:
    /// Errors: `broken_process_pool`, `shutdown_error`.
    virtual void check_open() = 0;
    /// Errors: `std::invalid_argument` if the workers cannot have that code.
    virtual void check_code(const code_ref& code) const = 0;
    /// Where arguments are encoded.
    virtual segment_store& store() noexcept = 0;
    /// Errors: those of `check_open`; `std::system_error` if a thread cannot be started. Nothing is
    /// queued then. In a bounded pool it may block, or let the call stand in line.
    virtual void submit(remote_call_ptr call, entrance e) = 0;
    /// Queues all of them at once; each that is refused fails. Errors: those of `check_open`, and
    /// `std::system_error`. Nothing is queued then.
    virtual void submit_all(std::span<const remote_call_ptr> calls) = 0;

    /// The call was cancelled, or has failed, before it started.
    virtual void dropped(remote_call& call, bool failed) noexcept = 0;
    /// Takes a call back from its worker; false if the worker has started it.
    virtual bool revoke(remote_call& call) noexcept = 0;
    virtual bool started(const remote_call& call) const noexcept = 0;
    /// Sends a request to stop to a call that runs; false if there is none to send.
    virtual bool ask_to_stop(remote_call& call) noexcept = 0;
    /// Ends a call that runs, with its worker if need be; false if that is impossible.
    virtual bool cancel_running(remote_call& call) noexcept = 0;
    /// Has the callbacks of a published outcome run by the pool's thread for them.
    virtual void post_callbacks(remote_call& call) noexcept = 0;

protected:
    ~call_host() = default;
};

/// A call as the dispatcher sees it; guarded by the pool's mutex. It is in the queue, or handed out
/// to one worker, or in neither.
struct FERRY_DECL dispatch_item {
    boost::intrusive::set_member_hook<> in_queue;
    boost::intrusive::list_member_hook<> handed_out; ///< in the order of the hand-outs
    int priority = 0;                                ///< the highest goes first
    std::uint64_t place = 0;    ///< among those of its priority; kept when it is taken back
    std::uint64_t number = 0;   ///< of its latest hand-out
    std::uint32_t known_to = 0; ///< the worker that has its arguments mapped, or 0
};

/// A task as the pool and its workers see it.
class FERRY_DECL remote_call : public dispatch_item {
public:
    remote_call(shared_state_base& state, std::shared_ptr<call_host> host,
                const std::type_info& type, bool plain) noexcept
        : host_(std::move(host)), type_(type), state_(state), plain_(plain) {}
    remote_call(const remote_call&) = delete;
    remote_call& operator=(const remote_call&) = delete;

    shared_state_base& state() const noexcept { return state_; }

    /// Decodes the result and publishes it; an error where that fails. Does nothing when there is
    /// an outcome already.
    virtual void finish(byte_source& result) noexcept = 0;
    /// The same for an encoded exception.
    virtual void finish_with_error(byte_source& error) noexcept = 0;
    virtual void fail(std::exception_ptr error) noexcept = 0;
    virtual void finish_cancelled() noexcept = 0;
    /// Fails it unless it has started or has an outcome; not with the pool's mutex.
    virtual void refuse(const std::exception_ptr& error) noexcept = 0;
    /// The worker that runs it has told how far it is.
    void note_progress(double done, const std::string& note);
    /// The second half of a publication, for a thread that may run user code.
    virtual void run_callbacks() = 0;
    /// Whether a job for reports is queued or runs.
    bool has_report_job() const noexcept {
        return (reports_.load() & (job_queued | published)) == job_queued;
    }
    /// Decodes what arrived, likewise.
    void decode();
    /// Whether any thread may call `finish`: it runs no user code.
    bool is_plain() const noexcept { return plain_; }

    std::string call_label() const { return state_.label(); }

protected:
    const std::shared_ptr<call_host> host_; // first, since the arguments go back to its store

public:
    // Constant once submitted.
    payload arguments; // guarded by the pool's mutex from then on; freed when nobody needs it
    code_ref entry;
    bool stops = false;    // takes a stop token
    bool is_chunk = false; // stands for many calls, and is no task of its own
    unsigned attempts = 1; // most starts
    /// Tells it from other tasks; 0: it is not told.
    std::uint64_t fingerprint = 0;

    /// Starts that ended with the death of a worker. Changed with the pool's mutex.
    std::atomic<unsigned> lost_starts{0};
    std::string context; // encoded; what the call sees
    task_label callee;   // what statistics call it without a label

    // Guarded by the pool's mutex.
    worker_channel* at = nullptr; // who holds it
    bool left_unstarted = false;  // by a worker that was ended for that
    std::uint16_t slot = 0;
    std::int64_t submitted_ns = 0;
    std::size_t counted_bytes = 0; // among those of the calls that wait
    bool asked_to_stop = false;

    /// An answer on its way to be decoded; belongs to who has taken the task from its slot.
    struct arrived_answer {
        std::shared_ptr<segment> shared; ///< where the bytes are, or else
        std::unique_ptr<std::byte[]> copy;
        std::size_t size = 0;
        bool failed = false; ///< an error was thrown
    } arrived;
    /// What a thread of the pool is to do. A call may be in a queue for each of them at the same
    /// time: an answer may come while a report of progress waits.
    enum class job { decoding, reports_or_callbacks };
    remote_call* next_job[2] = {}; ///< each is guarded by its queue

protected:
    /// For a call whose progress somebody wants to know: has its outcome published by the thread of
    /// the callbacks, behind the last report.
    void publish_behind_reports();
    /// In that thread: delivers reports. True if the outcome is to be published now.
    bool deliver_reports();

    ~remote_call() = default;

    const std::type_info& type_;

private:
    // A job for the thread of the callbacks is in its queue or runs; something came since it began;
    // there is an outcome to publish; it is being published.
    static constexpr unsigned job_queued = 1, report_came = 2, outcome_came = 4, published = 8;

    shared_state_base& state_;
    const bool plain_;
    std::atomic<unsigned> reports_{0};
};

// A share of the call is one of its state.
inline void intrusive_ptr_add_ref(remote_call* c) noexcept { intrusive_ptr_add_ref(&c->state()); }
inline void intrusive_ptr_release(remote_call* c) noexcept { intrusive_ptr_release(&c->state()); }

} // namespace ferry::detail
