// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "engine.hpp"

#include "descriptors.hpp"
#include "text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

namespace asio = boost::asio;

namespace fetcher {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_at_a_time = 64;
constexpr std::size_t output_at_a_time = 16 << 10;
constexpr std::chrono::milliseconds output_interval{30};

void rethrow(std::exception_ptr error) {
    if (error)
        std::rethrow_exception(error);
}

constexpr const char* one_file_only =
    "--output is one file, which only one target can have: {}, {n}, {host} or {name} make several";

// Each has connections, TLS sessions and certificates of its own: for a few transfers at a time a
// second one costs more than it helps.
std::size_t workers_for(unsigned jobs) {
    constexpr unsigned jobs_for_one = 16;
    const unsigned processors = std::max(std::thread::hardware_concurrency(), 1u);
    return std::min({processors, 1 + (jobs - 1) / jobs_for_one, 8u});
}

} // namespace

engine::engine(asio::io_context& context, const options& settings, target_source& source,
               observer on_done)
    : context_(context), settings_(settings), source_(source), on_done_(std::move(on_done)),
      worker_count_(workers_for(settings.lanes.jobs)), budget_(settings.body.max_in_flight),
      schedule_(settings.lanes, worker_count_,
                [this](const std::string& host, ferry::circuit_state entered, unsigned openings) {
                    on_breaker(host, entered, openings);
                }),
      retries_(settings.retry), report_(settings.request), progress_(settings.progress),
      inbox_([this] { asio::post(context_, [this] { wake(); }); }), workers_(worker_count_),
      event_(context), read_event_(context), last_resort_(context),
      helpers_(ferry::thread_pool_options{.max_workers = 4, .thread_name_prefix = "help"}),
      carriers_(
          ferry::thread_pool_options{.max_workers = worker_count_, .thread_name_prefix = "fetch"}),
      out_(context.get_executor(), helpers_, STDOUT_FILENO, [this] { wake(); }) {
    // Beside connections: the standard three, the event loop, two for each worker, files.
    constexpr std::size_t reserve = 24;
    const std::size_t jobs = settings.lanes.jobs;
    const std::size_t limit = raise_descriptor_limit(2 * jobs + 256);
    const std::size_t usable = limit > reserve + 8 ? limit - reserve : 8;
    schedule_.limit_jobs(usable);
    slots_.set(schedule_.jobs());
    if (!settings.fail_fast)
        schedule_.set_reserve(std::clamp<std::size_t>(4 * jobs, 2, 64));
    if (usable < jobs)
        progress_.say("only " + std::to_string(usable) + " at a time instead of " +
                      std::to_string(jobs) + ": the limit of descriptors is " +
                      std::to_string(limit));
    transfers_.request = settings.request;
    transfers_.check = settings.body.check;
    transfers_.keep_validators = !settings.journal.empty();
    transfers_.max_connections =
        static_cast<long>(std::min(jobs + 100, std::max<std::size_t>(usable / worker_count_, 1)));
    // The C library tidies up its heap whenever 64 KiB or more are freed, and libcurl frees the
    // buffer after each transfer.
    transfers_.buffer_size = jobs <= 256 ? 16 << 10 : 4 << 10;
    open_output();
    if (!settings.journal.empty())
        open_journal();
    if (const auto total = source.total())
        report_.set_total(*total);
}

// What is wrong for all targets, and can be told before one is fetched.
void engine::open_output() {
    if (!settings_.files.empty()) {
        files_.emplace(settings_.files);
        device_ = files_->is_constant() && files_->is_device();
        one_file_ = files_->is_constant() && !device_;
        if (one_file_ && source_.total().value_or(1) > 1)
            throw usage_error(one_file_only);
        try {
            if (!device_)
                check_output(files_->root(), one_file_ ? files_->expand({}) : "");
        } catch (const std::system_error& e) {
            throw usage_error(std::string("--output: ") + e.what());
        }
        if (!files_->is_constant())
            check_names();
    }
    if (settings_.metrics.empty())
        return;
    try {
        output_file{directory_of(settings_.metrics), file_of(settings_.metrics)};
    } catch (const std::system_error& e) {
        throw usage_error(std::string("--metrics: ") + e.what());
    }
}

// Of what is on the command line the names are known; of very long ranges each is only looked at
// when its turn comes.
void engine::check_names() const {
    constexpr std::uint64_t most = 10'000;
    target_source known(settings_.base_url, settings_.arguments, {});
    if (known.total().value_or(0) > most)
        return;
    std::unordered_map<std::string, std::string> ids; // of the files
    for (auto some = known.read(read_at_a_time, {}); !some.empty();
         some = known.read(read_at_a_time, {}))
        for (const auto& each : some) {
            if (!each.error.empty())
                continue;
            const auto [earlier, is_new] = ids.emplace(files_->expand(each), each.id);
            if (!is_new)
                throw usage_error("--output: '" + earlier->second + "' and '" + each.id +
                                  "' would have the same file '" + earlier->first +
                                  "': {n}, the target's number, tells them apart");
        }
}

void engine::open_journal() {
    try {
        journal_ = std::make_unique<journal>(settings_.journal, settings_.if_changed);
    } catch (const std::exception& e) {
        throw usage_error(e.what());
    }
}

void engine::wake() {
    woken_ = true;
    event_.cancel();
}

// More than can be written or stored is waiting for that.
bool engine::overloaded() const { return out_.full() || storing_ > 2 * schedule_.jobs() + 64; }

bool engine::done() const {
    return !reading_ && schedule_.in_flight() == 0 && schedule_.waiting() == 0 && storing_ == 0;
}

asio::awaitable<void> engine::run() {
    asio::co_spawn(context_, read(), rethrow);
    const auto deadline = settings_.total_timeout ? report_.begin() + *settings_.total_timeout
                                                  : clock::time_point::max();
    while (!done()) {
        const auto now = clock::now();
        const bool some_in_reserve = schedule_.in_flight() > slots_.all();
        auto results = inbox_.take();
        for (auto& each : results)
            take_result(std::move(each), now);
        if (now >= deadline && gave_up_ == nullptr && !aborting_)
            give_up();
        if (!out_.error().empty() && output_error_.empty())
            output_failed("cannot write to standard output: " + out_.error());
        start_some(now);
        // Where there are more jobs than slots, a slot may be free that its worker does not need.
        if (!results.empty() && some_in_reserve && slots_.any_free())
            for (auto& each : workers_)
                each.channel.nudge();
        read_event_.cancel();
        if (!out_.idle() && output_is_terminal_)
            progress_.clear();
        // A few lines at a time: a write costs more than a line does.
        if (now >= output_due_ || out_.size() >= output_at_a_time) {
            out_.start();
            output_due_ = now + output_interval;
        }
        if (out_.idle() || !output_is_terminal_)
            progress_.show(report_, slots_.taken(), now);
        if (done() || woken_) {
            woken_ = false;
            if (!done())
                co_await asio::post(context_, asio::use_awaitable);
            continue;
        }
        event_.expires_at(
            std::min({overloaded() ? clock::time_point::max() : schedule_.wakes(),
                      aborting_ ? clock::time_point::max() : deadline,
                      out_.size() > 0 ? output_due_ : clock::time_point::max(), progress_.due()}));
        co_await event_.async_wait(token);
        woken_ = false;
    }
    for (auto& each : workers_)
        each.channel.finish();
    tell_end();
    for (;;) {
        out_.start(); // which may be all that there was to do
        if (carried_ == 0 && out_.idle())
            break;
        event_.expires_at(clock::time_point::max());
        co_await event_.async_wait(token);
    }
    if (!out_.error().empty() && output_error_.empty())
        output_failed("cannot write to standard output: " + out_.error());
}

// A worker has a thread once it has had a job.
void engine::hand_over(worker& which) {
    if (which.outgoing.empty())
        return;
    which.channel.put(which.outgoing);
    if (which.carried)
        return;
    which.carried = true;
    ++carried_;
    asio::co_spawn(context_, carry(which), rethrow);
}

// One worker's blocking call. It throws only where there is no memory left, and then it has lost
// its jobs: the run cannot go on.
asio::awaitable<void> engine::carry(worker& which) {
    const auto call = [this, &which](std::stop_token stop) {
        transfer_many(std::move(stop), which.channel, slots_, inbox_, transfers_);
    };
    try {
        co_await ferry::run_in_executor(carriers_, call);
    } catch (...) {
        for (auto& each : workers_)
            each.channel.abort();
        stop_reading_.request_stop();
        throw;
    }
    --carried_;
    wake();
}

asio::awaitable<void> engine::read() {
    const auto some = [this] { return read_jobs(stop_reading_.get_token()); };
    while (!stopping_) {
        if (!schedule_.wants_more() || overloaded()) {
            read_event_.expires_at(clock::time_point::max());
            co_await read_event_.async_wait(token);
            continue;
        }
        read_ahead more;
        try {
            more = co_await ferry::run_in_executor(helpers_, some);
        } catch (const std::exception& e) {
            input_error_ = e.what();
        }
        if (const auto total = source_.total())
            report_.set_total(*total);
        if (more.jobs.empty())
            break;
        for (auto& each : more.jobs)
            admit(std::move(each));
        wake();
    }
    if (stop_reading_.stop_requested() && !source_.at_end())
        report_.set_unread();
    reading_ = false;
    wake();
}

// Runs in a pool: the list may have nothing yet, the file system may be slow.
engine::read_ahead engine::read_jobs(std::stop_token stop) {
    read_ahead result;
    for (auto& each : source_.read(read_at_a_time, std::move(stop))) {
        result.jobs.push_back(
            std::make_unique<job>(std::move(each), settings_.body, budget_, &helpers_));
        prepare(*result.jobs.back());
    }
    return result;
}

// The file that the body goes to. Why there is none for it; empty when all is well.
std::string engine::choose_file(job& what) {
    const bool own = !what.what.output.empty();
    if (!files_ && !own)
        return {};
    if (one_file_ && !own && what.what.number > 1)
        return one_file_only;
    try {
        const output_template which =
            own ? output_template(files_ ? files_->root() : ".", what.what.output) : *files_;
        what.root = which.root();
        what.output = which.expand(what.what);
    } catch (const std::exception& e) {
        return e.what();
    }
    if (!(device_ && !own) && !names_.take(what.output))
        return "an earlier target has the file '" + what.output +
               "' already: {n}, the target's number, tells them apart";
    return {};
}

void engine::prepare(job& what) {
    what.entered = clock::now();
    const auto cannot = [&what](std::string why) {
        what.why = failure::url;
        what.error = std::move(why);
    };
    if (!what.what.error.empty())
        return cannot(what.what.error);
    // What was done before has its file, which nobody else must write over.
    std::string wrong = choose_file(what);
    if (journal_) {
        const std::string method = method_of(what, settings_.request);
        if (!settings_.if_changed && journal_->contains(what.what, method)) {
            what.done_before = true;
            return;
        }
        if (const auto* known = journal_->known(what.what, method);
            known != nullptr && (method == "GET" || method == "HEAD"))
            what.known = *known;
    }
    if (!wrong.empty())
        return cannot(std::move(wrong));
    if (what.output.empty() || (!settings_.skip_existing && what.known.empty()))
        return;
    try {
        const bool exists = output_exists(what.root, what.output);
        what.done_before = settings_.skip_existing && exists;
        if (!exists)
            what.known = {}; // it is wanted, whether it has changed or not
    } catch (const std::exception& e) {
        cannot(e.what());
    }
}

void engine::admit(job_ptr what) {
    if (what->done_before) {
        report_.add_skipped();
    } else if (what->why != failure::none) {
        finish(*what);
    } else if (stopping_) {
        add_unfinished(*what);
    } else {
        schedule_.add(std::move(what));
    }
}

void engine::start_some(clock::time_point now) {
    if (stopping_ || overloaded())
        return;
    while (auto next = schedule_.next(now)) {
        job_ptr& what = next->what;
        if (next->rejected) {
            what->why = failure::circuit_open;
            what->error += what->error.empty() ? "" : "; then ";
            what->error += "the host failed too often, and was left alone";
            finish(*what);
            continue;
        }
        const auto where = !what->output.empty() ? body_sink::destination::file
                           : settings_.output == output_kind::bodies
                               ? body_sink::destination::memory
                               : body_sink::destination::nowhere;
        what->body.begin(where, what->root, what->output);
        what->begun = false;
        under_way_.insert(what.get());
        workers_[what->worker].outgoing.push_back(std::move(what));
    }
    for (auto& each : workers_)
        hand_over(each);
}

} // namespace fetcher
