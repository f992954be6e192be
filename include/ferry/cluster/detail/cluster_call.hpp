// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/code_table.hpp>
#include <ferry/config.hpp>
#include <ferry/process/detail/map.hpp>
#include <ferry/process/detail/task.hpp>
#include <ferry/task_options.hpp>

#include <cstddef>
#include <memory>
#include <optional>

namespace ferry::detail {

/// What a cluster pool has to know of a task beside the call.
struct FERRY_DECL cluster_call {
    detail::entrance entrance = detail::entrance::thread;
    std::optional<timeout::clock::time_point> start_by = {};
    timeout limit = {};
    std::size_t bytes = 0;
    bool idempotent = false;
    unsigned attempts = 1;
};

/// What the templates that submit see of a cluster pool.
class FERRY_DECL cluster_host : public call_host {
public:
    using call_host::submit;
    /// Errors: those of `call_host::submit`; `queue_full_error`; `std::invalid_argument` for what
    /// is in no table, or too large.
    virtual void submit(remote_call_ptr call, cluster_call how) = 0;

protected:
    ~cluster_host() = default;
};

/// Submits `fn(args...)` and returns its state. Errors: those of `cluster_host::submit`. What
/// encoding throws is the outcome.
template <class F, class... A>
auto submit_to_cluster(const std::shared_ptr<cluster_host>& host, detail::entrance entrance,
                       task_options* options, const F& fn, const A&... args) {
    using result = std::remove_cv_t<call_result_t<F, sent_t<A>...>>;
    using state = boost::intrusive_ptr<shared_state<result>>;
    constexpr bool stop = takes_stop_token<F, sent_t<A>...>;
    const code_record& record = call_record<F, stop, sent_t<A>...>;
    host->check_open();
    std::exception_ptr failed;
    payload arguments = encode_arguments(*host, failed, fn, args...);
    if (failed)
        return failed_state<result>(std::move(failed));
    boost::intrusive_ptr<remote_task<result>> t(new remote_task<result>(host, typeid(F)));
    cluster_call how;
    how.entrance = entrance;
    if (options != nullptr) {
        if (options->attempts == 0)
            throw std::invalid_argument("task_options::attempts must be at least 1, not 0");
        how.start_by = std::exchange(options->start_by, std::nullopt); // the pool sees to it
        how.limit = options->timeout;
        how.bytes = options->bytes;
        how.idempotent = options->idempotent;
        how.attempts = options->attempts;
        if (!set_options(*t, *options))
            return state(std::move(t));
    }
    t->entry = locate(record.address);
    t->stops = stop;
    t->callee = label_of_callable(fn);
    t->arguments = std::move(arguments);
    host->submit(t, std::move(how));
    return state(std::move(t));
}

template <class F, class... Ranges>
auto map_on_cluster(std::shared_ptr<cluster_host> host, map_options options, F fn,
                    Ranges&&... ranges) {
    constexpr bool stop = takes_stop_token<F, std::ranges::range_value_t<Ranges>...>;
    static_cast<void>(&chunk_record<F, stop, std::ranges::range_value_t<Ranges>...>);
    return map_remotely(std::shared_ptr<call_host>(std::move(host)), options, std::move(fn),
                        std::forward<Ranges>(ranges)...);
}

} // namespace ferry::detail
