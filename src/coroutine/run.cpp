// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/run.hpp>

#include <ferry/default_executor.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/as_if_alone.hpp>
#include <ferry/detail/assert.hpp>

#include <chrono>
#include <stdexcept>
#include <vector>

namespace ferry::detail {

run_mark::run_mark() {
    if (role_of_this_thread().inside_run)
        throw std::logic_error("ferry::run was called inside a running ferry::run");
    role_of_this_thread().inside_run = true;
}

run_mark::~run_mark() {
    FERRY_ASSERT(role_of_this_thread().inside_run);
    role_of_this_thread().inside_run = false;
}

bool run_context::is_held() {
    restart();
    poll(); // nothing is there to be run any more; it stops where nothing counts as work
    return !stopped();
}

namespace {

/// Contexts that have ended, the oldest first.
struct retired_contexts {
    struct entry {
        std::unique_ptr<run_context> context;
        timeout::clock::time_point since;
    };
    // Those that are held stay, though not forever; of the others the youngest stay, because a
    // thread may be just letting go of them.
    static constexpr std::size_t kept = 4, most = 16;
    static constexpr auto longest = std::chrono::seconds(10);

    adaptive_mutex mutex;
    std::vector<entry> entries FERRY_GUARDED_BY(mutex);

    static retired_contexts& instance() {
        static auto* const r = new retired_contexts; // outlives what runs at exit
        return *r;
    }
};

} // namespace

void run_context::retire::operator()(run_context* c) const noexcept {
    std::unique_ptr<run_context> context(c);
    context->shutdown(); // destroys every handler
    end_default_executor(*context);
    try {
        std::vector<retired_contexts::entry> gone;
        auto& all = retired_contexts::instance();
        const scoped_lock lock(all.mutex);
        const auto now = timeout::clock::now();
        all.entries.push_back({std::move(context), now});
        for (std::size_t i = 0; i + retired_contexts::kept < all.entries.size();) {
            auto& e = all.entries[i];
            if (all.entries.size() <= retired_contexts::most &&
                now - e.since < retired_contexts::longest && e.context->is_held()) {
                ++i;
                continue;
            }
            gone.push_back(std::move(e));
            all.entries.erase(all.entries.begin() + static_cast<std::ptrdiff_t>(i));
        }
    } catch (const std::bad_alloc&) { // then it goes now, or later
    }
}

void one_thread_runs(boost::asio::io_context& io) {
    boost::asio::use_service<future_op_service>(io).registry->one_thread.store(true);
}

void run_until_ended(boost::asio::io_context& io, const bool& ended) {
    while (!ended && io.run_one() != 0) {
    }
    auto& registry = *boost::asio::use_service<future_op_service>(io).registry;
    registry.cancel_all();
    while (!registry.empty() && io.run_one() != 0) {
    }
}

} // namespace ferry::detail
