// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/context.hpp>
#include <ferry/detail/failed_state.hpp>
#include <ferry/process/detail/entry_point.hpp>
#include <ferry/process/detail/remote_call.hpp>
#include <ferry/promise.hpp>
#include <ferry/thread_pool.hpp>

#include <functional>
#include <memory>
#include <typeinfo>
#include <vector>

namespace ferry {
namespace detail {

template <class R>
class remote_task final : public task_base<R>, public remote_call {
public:
    remote_task(std::shared_ptr<call_host> host, const std::type_info& type) noexcept
        : remote_call(*this, std::move(host), type, detail::is_plain<R>::value) {}

    // Both bases have these.
    friend void intrusive_ptr_add_ref(remote_task* t) noexcept {
        intrusive_ptr_add_ref(static_cast<shared_state_base*>(t));
    }
    friend void intrusive_ptr_release(remote_task* t) noexcept {
        intrusive_ptr_release(static_cast<shared_state_base*>(t));
    }

    void finish(byte_source& result) noexcept override {
        if (!begin_end())
            return;
        try {
            this->store_result([&result]() -> R { return result_decoder<R>::decode(result); });
        } catch (...) {
            this->error_ = std::current_exception();
            publish_from_pool(status::error);
            return;
        }
        publish_from_pool(status::value);
    }
    void finish_with_error(byte_source& error) noexcept override {
        if constexpr (requires { result_decoder<R>::decode_error(error); }) {
            if (!begin_end())
                return;
            this->store_result([&error] { return result_decoder<R>::decode_error(error); });
            publish_from_pool(status::value);
        } else {
            std::exception_ptr e;
            try {
                e = get_exception(error);
            } catch (...) {
                e = std::current_exception();
            }
            fail(std::move(e));
        }
    }
    void fail(std::exception_ptr error) noexcept override {
        if (!begin_end())
            return;
        this->error_ = std::move(error);
        publish_from_pool(status::error);
    }
    void finish_cancelled() noexcept override {
        if (begin_end())
            publish_from_pool(status::cancelled);
    }
    void refuse(const std::exception_ptr& error) noexcept override {
        end_unstarted([&error] { return error; });
    }
    void run_callbacks() override {
        if (this->has_report_job()) {
            if (this->deliver_reports()) {
                kept_ = this->announce_apart(outcome_);
                if (kept_.user_code)
                    host_->post_callbacks(*this);
            }
            return;
        }
        if (continuation* const first = std::exchange(kept_, {}).first)
            this->fire(first);
    }

    bool request_stop() noexcept override { return host_->ask_to_stop(*this); }
    bool cancel_running() noexcept override { return host_->cancel_running(*this); }
    bool on_timer(timer_purpose) noexcept override { return true; }
    void expired() override {
        if (this->lost_starts == 0) // else it has started in time
            end_unstarted([this] { return this->start_expiry(); });
    }

private:
    const std::type_info& type() const noexcept override { return type_; }
    task_label statistics_label() const noexcept override { return this->label_or(callee); }

    bool begin_end() {
        if (!this->claim(true))
            return false;
        if (this->extra != nullptr && this->extra->start_by)
            static_cast<void>(disarm_timer(*this));
        return true;
    }
    template <class MakeError>
    void end_unstarted(MakeError make) noexcept {
        if (!this->claim_queued())
            return;
        has_failed_ = true;
        destroy_callable();
        this->error_ = make();
        publish_from_pool(status::error);
    }
    void publish_from_pool(status outcome) noexcept {
        if (this->extra != nullptr && this->extra->progress != nullptr) {
            outcome_ = outcome;
            this->publish_behind_reports();
            return;
        }
        kept_ = this->announce_apart(outcome);
        if (kept_.user_code)
            host_->post_callbacks(*this);
    }

    void destroy_callable() noexcept override {
        if (this->extra != nullptr && this->extra->start_by)
            static_cast<void>(disarm_timer(*this));
        host_->dropped(*this, has_failed_);
    }
    bool revoke() noexcept override { return host_->revoke(*this); }
    bool started_remotely() const noexcept override { return host_->started(*this); }

    typename task_base<R>::closed_ring kept_;
    status outcome_{}; // to be published behind the last report
    bool has_failed_ = false;
};

/// The values that the calling thread sees and that can be sent; empty if there are none.
FERRY_DECL std::string encode_context();

/// A call that is to be submitted, null if it has failed already, and its state.
template <class R>
struct prepared_call {
    remote_call_ptr call;
    boost::intrusive_ptr<shared_state<R>> state;
};

/// Makes a call of `entry` with encoded arguments. Errors: those of `call_host::check_code`.
template <class R>
prepared_call<R> prepare_payload(const std::shared_ptr<call_host>& host, task_options* options,
                                 const std::type_info& type, entry_point entry, bool stops,
                                 payload arguments, task_label callee) {
    boost::intrusive_ptr<remote_task<R>> t(new remote_task<R>(host, type));
    if (options != nullptr && !set_options(*t, *options))
        return {nullptr, std::move(t)};
    if (options != nullptr && options->idempotent)
        t->attempts = options->attempts;
    t->entry = locate(reinterpret_cast<const void*>(entry));
    host->check_code(t->entry);
    t->stops = stops;
    t->is_chunk = is_chunk<R>;
    t->callee = callee;
    if (contexts_in_use())
        t->context = encode_context();
    t->arguments = std::move(arguments);
    remote_call_ptr call(t.get());
    return {std::move(call), std::move(t)};
}

/// Submits it. Errors: those of `call_host::submit`.
template <class R>
boost::intrusive_ptr<shared_state<R>> submit_prepared(call_host& host, entrance e,
                                                      prepared_call<R> p) {
    if (p.call != nullptr)
        host.submit(std::move(p.call), e);
    return std::move(p.state);
}

/// Writes function and arguments.
template <class F, class... A>
void encode_call(byte_sink& out, const F& fn, const A&... args) {
    output_archive ar(out);
    put_function<F>(out, ar, fn);
    [[maybe_unused]] const auto put = [&ar](const auto& arg) {
        if constexpr (std::is_array_v<std::remove_reference_t<decltype(arg)>>)
            ar(sent_t<decltype(arg)>(arg));
        else
            ar(arg);
    };
    (put(args), ...);
}

/// The same where the host wants it. What encoding throws is `failed`, unless the thread is being
/// ended.
template <class F, class... A>
payload encode_arguments(call_host& host, std::exception_ptr& failed, const F& fn,
                         const A&... args) {
    try {
        byte_sink out(host.store());
        encode_call<F>(out, fn, args...);
        return out.finish();
    } catch (...) {
        failed = caught_or_unwind();
        return {};
    }
}

/// Refuses a function that the workers of that pool cannot have.
template <class F>
void check_function(const call_host& host, const F& fn) {
    if constexpr (is_function_pointer<F>) {
        if (fn != nullptr)
            host.check_code(locate(reinterpret_cast<const void*>(fn)));
    }
}

/// What encoding throws is the outcome.
template <class F, class... A>
auto prepare_remotely(const std::shared_ptr<call_host>& host, task_options* options, const F& fn,
                      const A&... args) {
    using result = std::remove_cv_t<call_result_t<F, sent_t<A>...>>;
    constexpr bool stop = takes_stop_token<F, sent_t<A>...>;
    check_function(*host, fn);
    std::exception_ptr failed;
    payload arguments = encode_arguments(*host, failed, fn, args...);
    if (failed)
        return prepared_call<result>{nullptr, failed_state<result>(std::move(failed))};
    return prepare_payload<result>(host, options, typeid(F), &run_remotely<F, stop, sent_t<A>...>,
                                   stop, std::move(arguments), label_of_callable(fn));
}

/// Submits `fn(args...)` and returns its state. Errors: those of `call_host::submit` and
/// `call_host::check_code`.
template <class F, class... A>
auto submit_remotely(const std::shared_ptr<call_host>& host, entrance e, task_options* options,
                     const F& fn, const A&... args) {
    host->check_open();
    return submit_prepared(*host, e, prepare_remotely(host, options, fn, args...));
}

/// What each worker runs before its first task.
struct encoded_initializer {
    code_ref entry;
    std::vector<std::byte> arguments;
};
FERRY_DECL std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode);

template <class F, class... A>
std::shared_ptr<const encoded_initializer> encode_initializer(const F& fn, const A&... args) {
    constexpr bool stop = takes_stop_token<F, sent_t<A>...>;
    return std::make_shared<const encoded_initializer>(encoded_initializer{
        locate(reinterpret_cast<const void*>(&run_remotely<F, stop, sent_t<A>...>)),
        encode_alone([&](byte_sink& out) { encode_call<F>(out, fn, args...); })});
}

} // namespace detail

/// A call that can be offloaded to a worker process: a function pointer, a captureless lambda or a
/// serializable function object, with arguments and a result that are `sendable`.
template <class F, class... A>
concept process_offloadable =
    offloadable<F, detail::passed_t<A>...> &&
    detail::captures_nothing__pass_what_it_needs_as_arguments<std::decay_t<F>> &&
    sendable<detail::first_unsendable_t<detail::sent_t<A>...>> &&
    sendable<
        detail::first_unsendable_t<std::remove_const_t<offload_result_t<F, detail::sent_t<A>...>>>>;

} // namespace ferry
