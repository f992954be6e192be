// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <vector>

namespace ferry {
namespace detail {
namespace {

thread_local const pool_core* current_pool = nullptr;
thread_local running_scope* current_scope = nullptr;

} // namespace

bool on_worker_of(const pool_core* core) noexcept {
    return core != nullptr && current_pool == core;
}

running_scope::running_scope(const shared_state_base* task) noexcept
    : task_(task), outer_(std::exchange(current_scope, this)) {}
running_scope::~running_scope() {
    current_scope = outer_;
}
bool running_scope::contains(const shared_state_base* task) noexcept {
    for (const running_scope* s = current_scope; s != nullptr; s = s->outer_) {
        if (s->task_ == task)
            return true;
    }
    return false;
}

/// The queue and the workers of a pool; shared by the pool and each of its threads.
///
/// Invariants: a queued task is owned by the queue. While the queue holds n tasks, either n workers
/// are available (neither running a task nor finished), or the number of workers is the maximum, or
/// no thread could be created. No lock is held while user code runs.
class pool_core : public std::enable_shared_from_this<pool_core> {
public:
    explicit pool_core(thread_pool_options o) : options_(std::move(o)) {}

    const thread_pool_options& options() const noexcept { return options_; }

    void push(runnable& r, bool bounded) {
        std::unique_lock lock(mutex_);
        if (bounded && options_.max_queue != 0 && !on_worker_of(this)) {
            const auto room = [&] { return stopping_ || broken_ || live() < options_.max_queue; };
            if (!room() && options_.when_full == when_full::reject)
                throw queue_full_error("the queue of the thread pool is full: max_queue is " +
                                       std::to_string(options_.max_queue));
            space_.wait(lock, room);
        }
        if (broken_)
            throw broken_thread_pool(why_broken_);
        if (stopping_)
            throw shutdown_error();
        if (threads_.size() < options_.max_workers && queue_.size() + 1 > available_)
            start_thread();
        r.home = this;
        queue_.push_back(&r);
        lock.unlock();
        work_.notify_one();
    }

    void stop(bool cancel) noexcept {
        std::deque<runnable*> dropped;
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            if (cancel)
                dropped.swap(queue_);
        }
        work_.notify_all();
        space_.notify_all();
        for (runnable* r : dropped) {
            r->abandon(nullptr);
            r->release();
        }
    }

    /// Waits for every thread but the calling one, which is detached.
    void join() {
        const std::lock_guard joining(join_mutex_);
        std::vector<std::thread> threads;
        {
            const std::lock_guard lock(mutex_);
            threads.swap(threads_);
        }
        for (auto& t : threads) {
            if (t.get_id() == std::this_thread::get_id())
                t.detach();
            else
                t.join();
        }
    }

private:
    /// Tasks that still wait to run: cancelled ones do not count.
    std::size_t live() const noexcept {
        std::size_t n = 0;
        for (const runnable* r : queue_)
            n += r->started() ? 0 : 1;
        return n;
    }

    void start_thread() {
        const std::size_t number = threads_.size();
        try {
            threads_.emplace_back([self = shared_from_this(), number] { self->work(number); });
        } catch (const std::system_error&) {
            if (threads_.empty())
                throw;
            return; // another one can run it
        }
        ++available_;
    }

    void name_thread(std::size_t number) const {
        const std::string n = "_" + std::to_string(number);
        std::string prefix = options_.thread_name_prefix;
        pthread_setname_np(pthread_self(), (prefix.substr(0, 15 - n.size()) + n).c_str());
    }

    bool initialise() noexcept {
        try {
            if (options_.initializer)
                options_.initializer();
            return true;
        } catch (const std::exception& e) {
            break_pool(std::string("the thread pool's initializer failed: ") + e.what());
        } catch (...) {
            break_pool("the thread pool's initializer failed: not a std::exception");
        }
        return false;
    }

    void break_pool(std::string why) {
        std::deque<runnable*> dropped;
        {
            const std::lock_guard lock(mutex_);
            broken_ = true;
            why_broken_ = why;
            dropped.swap(queue_);
        }
        space_.notify_all();
        work_.notify_all();
        for (runnable* r : dropped) {
            r->abandon(std::make_exception_ptr(broken_thread_pool(why)));
            r->release();
        }
    }

    void work(std::size_t number) noexcept {
        current_pool = this;
        name_thread(number);
        if (initialise()) {
            loop();
            try {
                if (options_.finalizer)
                    options_.finalizer();
            } catch (...) {
                report_unhandled(std::current_exception());
            }
        }
        current_pool = nullptr;
    }

    void loop() noexcept {
        std::unique_lock lock(mutex_);
        for (;;) {
            work_.wait(lock, [this] { return stopping_ || broken_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            runnable* r = queue_.front();
            queue_.pop_front();
            --available_;
            lock.unlock();
            space_.notify_one();
            r->run();
            r->release();
            lock.lock();
            ++available_;
        }
    }

    const thread_pool_options options_; // constant after construction

    std::mutex mutex_; // guards what follows
    std::condition_variable work_;
    std::condition_variable space_;
    std::deque<runnable*> queue_;
    std::vector<std::thread> threads_;
    std::size_t available_ = 0;
    bool stopping_ = false;
    bool broken_ = false;
    std::string why_broken_;

    std::mutex join_mutex_; // held while threads are joined
};

} // namespace detail

std::size_t cpu_bound_workers() {
    if (const char* v = std::getenv("FERRY_CPUS")) {
        char* end = nullptr;
        const unsigned long n = std::strtoul(v, &end, 10);
        if (end != v && *end == '\0' && n >= 1 && n <= 65536)
            return n;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return static_cast<std::size_t>(CPU_COUNT(&set));
    return std::max(1u, std::thread::hardware_concurrency());
}

std::size_t io_bound_workers() {
    return std::min<std::size_t>(32, cpu_bound_workers() + 4);
}

thread_pool::thread_pool(thread_pool_options options) {
    if (options.max_workers == 0 || options.max_workers > 65536)
        throw std::invalid_argument("thread_pool_options::max_workers must be 1 to 65536, not " +
                                    std::to_string(options.max_workers));
    if (options.thread_name_prefix.empty()) {
        static std::atomic<unsigned> pools{0};
        options.thread_name_prefix = "ferry-" + std::to_string(pools.fetch_add(1));
    }
    core_ = std::make_shared<detail::pool_core>(std::move(options));
}

thread_pool::thread_pool(std::size_t max_workers)
    : thread_pool(thread_pool_options{.max_workers = max_workers}) {}

thread_pool::~thread_pool() {
    core_->stop(false);
    core_->join();
}

void thread_pool::push(detail::runnable& r, bool bounded) {
    core_->push(r, bounded);
}

void thread_pool::shutdown(shutdown_options options) {
    if (options.wait && detail::on_worker_of(core_.get()))
        throw would_deadlock("shutdown with wait from one of the pool's own tasks");
    core_->stop(options.cancel_futures);
    if (options.wait)
        core_->join();
}

std::size_t thread_pool::max_workers() const noexcept {
    return core_->options().max_workers;
}

} // namespace ferry
