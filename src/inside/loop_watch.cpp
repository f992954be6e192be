// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/loop_watch.hpp>

#include "loop_advice.hpp"
#include "loop_threads.hpp"
#include "symbols.hpp"
#include "watched_loop.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/unhandled.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <sstream>
#include <stdexcept>

namespace ferry {
namespace {

std::int64_t in_milliseconds(std::chrono::nanoseconds d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

} // namespace

std::ostream& operator<<(std::ostream& out, const late_loop& report) {
    std::ostringstream text;
    text << "ferry: an event loop is late: a handler has blocked thread " << report.thread
         << " for more than " << in_milliseconds(report.for_how_long) << " ms";
    if (!report.label.empty())
        text << ", at the task '" << report.label << '\'';
    text << "\n  " << report.advice << '\n';
    for (std::size_t i = 0; i < report.stack.size(); ++i)
        text << "  #" << i << ' ' << report.stack[i] << '\n';
    return out << std::move(text).str();
}

namespace detail {
namespace {

/// Tells the watches of a context that it is gone.
class loop_watch_service final : public boost::asio::execution_context::service {
public:
    using key_type = loop_watch_service;
    static boost::asio::execution_context::id id;

    explicit loop_watch_service(boost::asio::execution_context& context) : service(context) {}

    void add(const std::shared_ptr<watched_loop>& loop) {
        const std::lock_guard lock(mutex_);
        std::erase_if(loops_, [](const auto& l) { return l.expired(); });
        loops_.push_back(loop);
    }

private:
    void shutdown() override {
        const std::lock_guard lock(mutex_);
        for (const auto& l : loops_) {
            if (const auto loop = l.lock())
                loop->context_ended();
        }
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<watched_loop>> loops_;
};

boost::asio::execution_context::id loop_watch_service::id;

void print(const late_loop& report) {
    std::ostringstream text;
    text << report;
    const std::string s = std::move(text).str();
    std::fwrite(s.data(), 1, s.size(), stderr);
}

std::string unique_name() {
    static std::atomic<unsigned> loops{0};
    return "loop-" + std::to_string(loops.fetch_add(1));
}

loop_watch_options checked(loop_watch_options o) {
    const auto limit = o.limit.limit();
    if (!limit || *limit <= timeout::clock::duration::zero())
        throw std::invalid_argument(
            "loop_watch_options::limit must be more than 0 and not unlimited");
    if (!o.report)
        o.report = &print;
    if (o.name.empty())
        o.name = unique_name();
    return o;
}

} // namespace

watched_loop::watched_loop(boost::asio::io_context& context, loop_watch_options options)
    : options_(checked(std::move(options))), lateness_(*options_.limit.limit()),
      context_(&context) {
    if (options_.stack)
        prepare_pictures();
}

void watched_loop::start(boost::asio::io_context& context) {
    boost::asio::use_service<loop_watch_service>(context).add(shared_from_this());
}

void watched_loop::context_ended() noexcept {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    changed_.notify_all();
}

void watched_loop::stop() noexcept {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

// In a thread of the loop.
void watched_loop::ran() {
    const auto& thread = loop_thread::current();
    const std::lock_guard lock(mutex_);
    FERRY_ASSERT(pending_);
    pending_ = false;
    key_ = loop_thread::running_key();
    std::erase_if(threads_, [](const auto& t) { return t.thread->ended(); });
    if (std::ranges::none_of(threads_, [&](const auto& t) { return t.thread == thread; }))
        threads_.push_back({thread, false});
    const auto lag = clock::now() - posted_at_;
    ++lags_[histogram::bucket_of(lag)];
    lags_.add_to_sum(lag);
}

void watched_loop::post() {
    const std::lock_guard lock(mutex_);
    if (context_ == nullptr)
        return;
    posted_at_ = clock::now();
    try {
        boost::asio::post(context_->get_executor(), [self = shared_from_this()] { self->ran(); });
        pending_ = true;
        for (auto& t : threads_)
            t.reported = false;
    } catch (const std::bad_alloc&) { // the next time, then
    }
}

void watched_loop::watch() {
    ::pthread_setname_np(::pthread_self(), "ferry-watch");
    for (;;) {
        loop_lateness::action next{};
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, lateness_.period(),
                              [this] { return stopped_ || context_ == nullptr; });
            if (stopped_ || context_ == nullptr)
                return;
            next = lateness_.ask(clock::now(), pending_);
        }
        if (next == loop_lateness::action::post)
            post();
        else if (next == loop_lateness::action::look)
            report_late_threads();
    }
}

void watched_loop::report_late_threads() {
    for (;;) {
        std::shared_ptr<loop_thread> thread;
        {
            const std::lock_guard lock(mutex_);
            if (!pending_ || stopped_ || context_ == nullptr || context_->stopped())
                return;
            for (auto& t : threads_) {
                if (!t.reported && t.thread->is_inside(key_)) {
                    t.reported = true;
                    thread = t.thread;
                    ++late_;
                    break;
                }
            }
        }
        if (thread == nullptr)
            return;
        try {
            options_.report(describe(*thread));
        } catch (...) {
            report_or_unwind();
        }
    }
}

late_loop watched_loop::describe(const loop_thread& thread) const {
    late_loop report;
    report.thread = thread.id();
    report.for_how_long = lateness_.age();
    late_thread known;
    known.sleeps = thread.sleeps();
    if (options_.stack) {
        thread_picture picture = picture_of(thread);
        known.waits_for_task = picture.waits;
        known.stack = symbolise(picture.stack);
        report.label = std::move(picture.label);
    }
    report.advice = advice_for(known);
    report.stack = std::move(known.stack);
    return report;
}

void watched_loop::read(all_figures& to) {
    const std::lock_guard lock(mutex_);
    to.loops.push_back({options_.name, lags_, late_});
}

} // namespace detail

loop_watch::loop_watch(boost::asio::io_context& context, loop_watch_options options)
    : loop_(std::make_shared<detail::watched_loop>(context, std::move(options))) {
    loop_->start(context);
    detail::observed_list::instance().add(*loop_);
    try {
        thread_ = std::thread([loop = loop_] { loop->watch(); });
    } catch (...) {
        detail::observed_list::instance().remove(*loop_);
        throw;
    }
}

loop_watch::~loop_watch() {
    detail::observed_list::instance().remove(*loop_);
    loop_->stop();
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach();
    else
        thread_.join();
}

} // namespace ferry
