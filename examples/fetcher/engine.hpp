// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "journal.hpp"
#include "options.hpp"
#include "output_names.hpp"
#include "output_writer.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "retry_rules.hpp"
#include "schedule.hpp"
#include "transfer_many.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

namespace fetcher {

/// A whole run. Its coroutines decide, in one thread: which targets are read, what starts when,
/// what is tried again. All that blocks is carried off by Ferry: a `transfer_many` for each worker
/// to one pool; reading the lists, storing bodies and writing the output to another. Thread safety:
/// unsafe; in the thread that runs the context.
class engine {
public:
    /// Is told of each target that is done.
    using observer = std::function<void(const job&)>;

    /// All are referred to and must outlive the engine. Throws what the parts of it throw.
    engine(boost::asio::io_context& context, const options& settings, target_source& source,
           observer on_done = {});

    /// Returns when all targets are done, or given up.
    boost::asio::awaitable<void> run();

    /// The first time, nothing new is started; the second time, what is under way is cut. Both tell
    /// on standard error what that is.
    void interrupt(int signal);

    const report& result() const noexcept { return report_; }
    bool breaker_opened() const noexcept { return breaker_opened_; }
    /// The exit code of the program.
    int exit_code() const;

private:
    using clock = std::chrono::steady_clock;
    struct worker {
        transfer_channel channel;
        std::vector<job_ptr> outgoing;
        bool carried = false;
    };

    void hand_over(worker& which);
    boost::asio::awaitable<void> carry(worker& which);
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> store(job_ptr what);

    /// Says, as a vector of its elements does not, that it cannot be copied.
    struct read_ahead {
        std::vector<job_ptr> jobs;
        read_ahead() = default;
        read_ahead(read_ahead&&) = default;
        read_ahead& operator=(read_ahead&&) = default;
    };
    read_ahead read_jobs(std::stop_token stop);
    void open_journal();
    void open_output();
    void check_names() const;
    void prepare(job& what);
    std::string choose_file(job& what);
    void admit(job_ptr what);
    void start_some(clock::time_point now);
    void take_result(job_ptr what, clock::time_point now);
    void hold_back(job_ptr what, clock::time_point now);
    void go_on_with_fewer();
    boost::asio::awaitable<bool> may_succeed_later(const std::exception_ptr& error, unsigned times);
    void settle(job_ptr what);
    void finish(job& what);
    void show(job& what);
    void tell_end();
    void write_metrics();

    void stop_starting();
    void add_unfinished(job& what);
    void abort();
    void give_up();
    void output_failed(const std::string& why);
    void wake();
    bool done() const;
    bool overloaded() const;
    void on_breaker(const std::string& host, ferry::circuit_state entered, unsigned openings);
    std::string under_way() const;

    boost::asio::io_context& context_;
    const options& settings_;
    target_source& source_;
    const observer on_done_;
    const std::size_t worker_count_;
    const bool output_is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
    transfer_settings transfers_;
    byte_budget budget_;
    std::optional<output_template> files_;
    bool one_file_ = false; // files_ is the same for all targets
    bool device_ = false;   // and a device, which takes any number of bodies
    output_names names_;    // by read_jobs() alone
    std::unique_ptr<journal> journal_;

    schedule schedule_;
    retry_rules retries_;
    report report_;
    progress progress_;
    slot_count slots_;
    result_inbox inbox_;
    std::deque<worker> workers_;
    std::unordered_set<const job*> under_way_; // with workers, those in reserve too
    std::minstd_rand random_{std::random_device()()};

    boost::asio::steady_timer event_;      // ends the waiting of run()
    boost::asio::steady_timer read_event_; // ends the waiting of read()
    boost::asio::steady_timer last_resort_;
    clock::time_point output_due_{}; // when the next lines are written, however few they are
    std::stop_source stop_reading_;
    bool woken_ = false;
    bool reading_ = true;
    bool stopping_ = false; // nothing new is started
    bool aborting_ = false; // what is under way is cut
    bool breaker_opened_ = false;
    bool held_back_ = false;
    unsigned holds_ = 0; // in a row
    std::size_t carried_ = 0;
    std::size_t storing_ = 0;
    int signal_ = 0;
    const char* gave_up_ = nullptr; // why waiting targets fail, instead of being unfinished
    std::string output_error_, input_error_;

    // Last, so that their threads end before anything that they use.
    ferry::thread_pool helpers_;
    ferry::thread_pool carriers_;
    output_writer out_;
};

} // namespace fetcher
