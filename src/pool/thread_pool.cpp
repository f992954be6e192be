// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#include <ferry/detail/spin.hpp>
#include <ferry/submit.hpp>

#include "figures.hpp"
#include "pool_core.hpp"
#include "thread_pool_service.hpp"

#include <stdexcept>

namespace ferry {
namespace detail {

namespace {

// False where the thread of the timers cannot be started: then that is the outcome.
bool timers_started(shared_state_base& t) {
    try {
        start_timers();
        return true;
    } catch (const std::exception&) {
        t.fail(std::current_exception(), false);
        return false;
    }
}

} // namespace

bool set_options(shared_state_base& t, task_options& options) {
    if (options.attempts == 0)
        throw std::invalid_argument("task_options::attempts must be at least 1, not 0");
    t.priority = options.priority;
    t.extra = std::make_unique<task_extra>();
    t.extra->label = std::move(options.label);
    t.extra->limit = options.timeout;
    t.extra->start_by = options.start_by;
    t.extra->bytes = options.bytes;
    t.extra->where = options.where;
    if (options.on_progress)
        t.extra->progress = std::make_unique<progress_sink>(std::move(options.on_progress));
    return (!options.start_by && !options.timeout.limit()) || timers_started(t);
}

bool limit_wait(pool_core& core, shared_state_base& t, entrance e) {
    return e == entrance::map || is_own_thread_of(core) || limit_wait(core.options().max_wait, t);
}

bool limit_wait(const timeout& max_wait, shared_state_base& t) {
    if (!max_wait.limit() || *max_wait.limit() == timeout::clock::duration::zero())
        return true; // with 0 only what starts at once is accepted
    if (!timers_started(t))
        return false;
    if (t.extra == nullptr)
        t.extra = std::make_unique<task_extra>();
    const auto latest = max_wait.deadline();
    if (latest && (!t.extra->start_by || *latest < *t.extra->start_by))
        t.extra->start_by = latest;
    return true;
}

void enqueue(pool_core& core, shared_state_base& t, entrance e) {
    if (core.is_bounded() && !limit_wait(core, t, e))
        return;
    const bool expires = t.extra != nullptr && t.extra->start_by.has_value();
    t.owner = &core;
    t.pool_record = core.state().record.number();
    if (t.extra != nullptr && (expires || t.extra->limit.limit()))
        t.extra->owner = core.shared_from_this();
    t.refer_unshared();
    if (expires)
        arm_timer(t, *t.extra->start_by, timer_purpose::start_by);
    try {
        core.entry().push(t, e);
    } catch (...) {
        if (expires && !disarm_timer(t)) { // it expired while it waited for room
            for (spin_wait pause; !t.done();)
                pause();
            core.on_claimed_task_removed(t);
        }
        intrusive_ptr_release(&t);
        throw;
    }
}

void enqueue_all(pool_core& core, std::span<shared_state_base* const> tasks) {
    if (!core.is_bounded()) {
        core.entry().push_all(tasks);
        return;
    }
    throw_if_closed(core);
    for (shared_state_base* t : tasks) {
        try {
            enqueue(core, *t, entrance::thread);
        } catch (const std::exception&) {
            t->owner = nullptr; // the pool has not got it
            t->fail(std::current_exception(), false);
        }
    }
}

bool is_bounded(const pool_core& core) noexcept { return core.is_bounded(); }

void throw_if_closed(pool_core& core) {
    if (core.state().closed.load())
        core.shutdown().throw_closed();
}

void post(pool_core& core, work_item& r) noexcept { core.entry().post(r); }

} // namespace detail

thread_pool::thread_pool(thread_pool_options options) {
    if (options.max_workers == 0 || options.max_workers > 65536)
        throw std::invalid_argument("thread_pool_options::max_workers must be 1 to 65536, not " +
                                    std::to_string(options.max_workers));
    if (const std::size_t least = detail::os_thread::smallest_stack();
        options.stack_size != 0 && options.stack_size < least)
        throw std::invalid_argument("thread_pool_options::stack_size must be 0 or at least " +
                                    std::to_string(least) + " bytes, not " +
                                    std::to_string(options.stack_size));
    static std::atomic<unsigned> pools{0};
    const std::string number = std::to_string(pools.fetch_add(1));
    if (options.thread_name_prefix.empty())
        options.thread_name_prefix = "ferry-" + number;
    if (options.name.empty())
        options.name = "thread-" + number;
    core_ = std::make_shared<detail::pool_core>(std::move(options));
    boost::asio::make_service<detail::thread_pool_service>(*this, core_);
    detail::observed_list::instance().add(*core_);
}

thread_pool::thread_pool(std::size_t max_workers)
    : thread_pool(thread_pool_options{.max_workers = max_workers}) {}

thread_pool::~thread_pool() {
    detail::observed_list::instance().remove(*core_);
    core_->shutdown().close(false);
    core_->shutdown().join();
    if (core_->is_forked_copy())
        core_->abandon_after_fork();
    else
        core_->drop_rest();
    execution_context::shutdown();
    execution_context::destroy();
}

void thread_pool::shutdown(shutdown_options options) {
    if (options.wait && detail::is_own_thread_of(*core_))
        throw would_deadlock("shutdown with wait from one of the pool's own tasks or callbacks");
    core_->shutdown().close(options.cancel_futures);
    if (options.wait)
        core_->shutdown().join();
}

shutdown_report thread_pool::shutdown(timeout limit) {
    if (detail::is_own_thread_of(*core_))
        throw would_deadlock("shutdown with wait from one of the pool's own tasks or callbacks");
    return core_->shutdown().close_within(limit);
}

std::size_t thread_pool::max_workers() const noexcept { return core_->options().max_workers; }

const std::string& thread_pool::name() const noexcept { return core_->options().name; }

std::map<std::string, pool_stats, std::less<>> thread_pool::stats_by_label() const {
    return detail::read_stats_by_label(core_->state());
}

pool_stats thread_pool::stats() const { return detail::read_stats(core_->state()); }

} // namespace ferry
