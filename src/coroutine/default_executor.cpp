// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/default_executor.hpp>

#include "pool/pool_core.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/await_state.hpp>

#include <boost/asio/this_coro.hpp>

#include <thread>

namespace ferry {
namespace {

class default_pool final : public boost::asio::execution_context::service {
public:
    using key_type = default_pool;
    static boost::asio::execution_context::id id;

    explicit default_pool(boost::asio::execution_context& context) : service(context) {}

    thread_pool& get() FERRY_EXCLUDES(mutex_) {
        const detail::scoped_lock lock(mutex_);
        if (chosen_ != nullptr)
            return *chosen_;
        if (!own_)
            own_ = std::make_unique<thread_pool>();
        return *own_;
    }
    void choose(thread_pool& pool) FERRY_EXCLUDES(mutex_) {
        const detail::scoped_lock lock(mutex_);
        chosen_ = &pool;
    }

    /// The context has been shut down, but is not destroyed yet.
    void join() FERRY_EXCLUDES(mutex_) {
        std::unique_ptr<thread_pool> last;
        const detail::scoped_lock lock(mutex_);
        last.swap(own_);
    }

private:
    void shutdown() override FERRY_EXCLUDES(mutex_) {
        thread_pool* own = nullptr;
        {
            const detail::scoped_lock lock(mutex_);
            own = own_.get();
        }
        if (own != nullptr)
            own->shutdown({.wait = false, .cancel_futures = true});
    }

    detail::adaptive_mutex mutex_;
    thread_pool* chosen_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::unique_ptr<thread_pool> own_ FERRY_GUARDED_BY(mutex_); // joined by the destructor
};

boost::asio::execution_context::id default_pool::id;

} // namespace

namespace detail {
namespace {

/// That a pool is being shut down. It goes on when whoever waits for it leaves.
class closing final : public shared_state<bool> {
public:
    closing() { static_cast<void>(try_start()); }
    std::string label() const override { return "shutdown_default_executor"; }

    void close(pool_core& core, timeout limit) {
        try {
            const bool all = core.shutdown().close_within(limit).stuck.empty();
            static_cast<void>(claim(true)); // nobody else does
            store_result([all] { return all; });
            publish(status::value);
        } catch (...) {
            static_cast<void>(fail(std::current_exception()));
        }
    }
};

/// Shuts the default pool of the context down in a thread of its own.
boost::intrusive_ptr<shared_state<bool>>
close_default_executor(boost::asio::execution_context& context, timeout limit) {
    const auto state = make_state<closing>();
    // The pool may die with its context meanwhile: what is shut down is shared.
    const auto core = detail::pool_access::core(default_executor(context));
    core->shutdown().close(false);
    std::thread([core, limit, state] { state->close(*core, limit); }).detach();
    return state;
}

} // namespace

void end_default_executor(boost::asio::execution_context& context) {
    if (boost::asio::has_service<default_pool>(context))
        boost::asio::use_service<default_pool>(context).join();
}

} // namespace detail

thread_pool& default_executor(boost::asio::execution_context& context) {
    return boost::asio::use_service<default_pool>(context).get();
}

void set_default_executor(boost::asio::execution_context& context, thread_pool& pool) {
    boost::asio::use_service<default_pool>(context).choose(pool);
}

boost::asio::awaitable<bool> shutdown_default_executor(timeout limit) {
    const auto ex = co_await boost::asio::this_coro::executor;
    const auto closed = detail::close_default_executor(
        boost::asio::query(ex, boost::asio::execution::context), limit);
    detail::wait_status end{};
    co_await detail::until_done(*closed, detail::cancel_mode::stop_waiting, end);
    co_return detail::outcome_of(*closed, end, true);
}

} // namespace ferry
