// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/offloadable.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/exception.hpp>
#include <ferry/process/serialize.hpp>
#include <ferry/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <typeinfo>
#include <vector>

namespace ferry {
namespace detail {

class process_core;
class remote_call;
struct worker_channel;

/// The type that an argument has on the other side: decayed, and a string for a string literal.
template <class A>
using sent_t = std::conditional_t<
    std::is_array_v<std::remove_reference_t<A>> &&
        std::is_same_v<std::remove_cv_t<std::remove_all_extents_t<std::remove_reference_t<A>>>,
                       char>,
    std::string, std::decay_t<A>>;

/// What such an argument is for the question whether it can be copied.
template <class A>
using passed_t = std::conditional_t<std::is_same_v<sent_t<A>, std::decay_t<A>>, A, sent_t<A>>;

template <class F>
inline constexpr bool is_function_pointer =
    std::conjunction_v<std::is_pointer<F>, std::is_function<std::remove_pointer_t<F>>>;
template <class F>
inline constexpr bool is_stateless = std::default_initializable<F>&& std::is_empty_v<F>;

template <class F>
inline constexpr bool is_sendable_object = sendable<F>; // compilers do not say why it is not

template <class F>
concept captures_nothing__pass_what_it_needs_as_arguments =
    is_function_pointer<F> || is_stateless<F> || is_sendable_object<F>;

/// The first of the types that cannot be sent, or int: as the argument of a concept it makes
/// compilers say why, which they do not for each of a pack.
template <class... T>
struct first_unsendable {
    using type = int;
};
template <class T, class... More>
struct first_unsendable<T, More...>
    : std::conditional_t<std::is_void_v<T> || sendable<T>, first_unsendable<More...>,
                         std::type_identity<T>> {};
template <class... T>
using first_unsendable_t = typename first_unsendable<T...>::type;

/// What a worker calls: reads function and arguments, writes the result.
using entry_point = void (*)(byte_source& in, byte_sink& out, const std::stop_token& stop);

template <class F>
void put_function(byte_sink& out, output_archive& ar, const F& fn) {
    if constexpr (is_function_pointer<F>) {
        if (fn == nullptr)
            throw std::invalid_argument("submit: the function pointer is null");
        put_code(out, locate(reinterpret_cast<const void*>(fn)));
    } else if constexpr (!is_stateless<F>) {
        ar(fn);
    }
}
template <class F>
F get_function(byte_source& in, input_archive& ar) {
    if constexpr (is_function_pointer<F>) {
        return reinterpret_cast<F>(const_cast<void*>(get_code(in)));
    } else {
        F fn{};
        if constexpr (!is_stateless<F>)
            ar(fn);
        return fn;
    }
}

template <class F, bool Stop, class... A>
decltype(auto) call_remotely(F& fn, const std::stop_token& stop, std::tuple<A...>& args) {
    return std::apply(
        [&](A&... a) -> decltype(auto) {
            if constexpr (Stop)
                return std::invoke(std::move(fn), stop, std::move(a)...);
            else
                return std::invoke(std::move(fn), std::move(a)...);
        },
        args);
}

/// Everything of the task but its encoded result is destroyed when it returns.
template <class F, bool Stop, class... A>
void run_remotely(byte_source& in, byte_sink& out, const std::stop_token& stop) {
    input_archive from(in);
    F fn = get_function<F>(in, from);
    std::tuple<A...> args;
    std::apply([&](A&... a) { (static_cast<void>(from(a)), ...); }, args);
    if constexpr (std::is_void_v<call_result_t<F, A...>>) {
        call_remotely<F, Stop>(fn, stop, args);
    } else {
        const auto result = call_remotely<F, Stop>(fn, stop, args);
        output_archive to(out);
        to(result);
    }
}

/// The same for many calls of one function. Precedes each result with whether it is one; what one
/// call throws is written in the place of its result.
template <class F, bool Stop, class... A>
void run_chunk_remotely(byte_source& in, byte_sink& out, const std::stop_token& stop) {
    input_archive from(in);
    F fn = get_function<F>(in, from);
    const auto count = in.get<std::uint64_t>();
    out.put(count);
    output_archive to(out);
    for (std::uint64_t i = 0; i != count; ++i) {
        std::tuple<A...> args;
        std::apply([&](A&... a) { (static_cast<void>(from(a)), ...); }, args);
        const std::size_t start = out.size();
        try {
            out.put(true);
            F f = fn;
            if constexpr (std::is_void_v<call_result_t<F, A...>>) {
                call_remotely<F, Stop>(f, stop, args);
            } else {
                const auto result = call_remotely<F, Stop>(f, stop, args);
                to(result);
            }
        } catch (...) {
            const auto error = std::current_exception();
            if (error == nullptr) // the thread is being ended
                throw;
            out.truncate(start);
            out.put(false);
            put_exception(out, error);
        }
    }
}

/// What many calls gave.
template <class R>
struct chunk_result {
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    std::vector<std::optional<value_type>> values;
    std::vector<std::pair<std::size_t, std::exception_ptr>> errors; ///< in order of their places
};

template <class R>
struct result_decoder {
    static R decode(byte_source& in) {
        if constexpr (!std::is_void_v<R>) {
            R value{};
            input_archive ar(in);
            ar(value);
            return value;
        }
    }
};
template <class R>
struct result_decoder<chunk_result<R>> {
    using result = chunk_result<R>;
    static result decode(byte_source& in) {
        result r;
        const auto count = in.get<std::uint64_t>();
        if (count > in.remaining())
            in.fail_short(count);
        r.values.reserve(count);
        input_archive ar(in);
        for (std::uint64_t i = 0; i != count; ++i) {
            if (in.get<bool>()) {
                auto& value = r.values.emplace_back(std::in_place);
                if constexpr (!std::is_void_v<R>)
                    ar(*value);
            } else {
                r.values.emplace_back();
                r.errors.emplace_back(i, get_exception(in));
            }
        }
        return r;
    }
};

/// Whether decoding and destroying an R runs no code of a user: nothing that takes long, whatever
/// the bytes are.
template <class R>
struct is_plain : std::bool_constant<std::is_void_v<R> || std::is_arithmetic_v<R>> {};
template <class C, class T, class A>
struct is_plain<std::basic_string<C, T, A>>
    : std::bool_constant<std::is_arithmetic_v<C> && std::is_same_v<A, std::allocator<C>>> {};
template <class T, class A>
struct is_plain<std::vector<T, A>>
    : std::bool_constant<is_plain<T>::value && std::is_same_v<A, std::allocator<T>>> {};
template <class T>
struct is_plain<std::optional<T>> : is_plain<T> {};
template <class... T>
struct is_plain<std::tuple<T...>> : std::conjunction<is_plain<T>...> {};
template <class T, class U>
struct is_plain<std::pair<T, U>> : std::conjunction<is_plain<T>, is_plain<U>> {};

/// What tasks tell their pool. Each is safe from any thread.
void work_dropped(process_core& core, remote_call& call, bool expired) noexcept;
bool take_call_back(process_core& core, remote_call& call) noexcept;
bool call_started(const process_core& core, const remote_call& call) noexcept;
bool ask_call_to_stop(process_core& core, remote_call& call) noexcept;
bool cancel_running_call(process_core& core, remote_call& call) noexcept;

/// A task as the pool and its workers see it.
class remote_call {
public:
    remote_call(std::shared_ptr<process_core> core, const std::type_info& type, bool plain) noexcept
        : core_(std::move(core)), type_(type), plain_(plain) {}
    remote_call(const remote_call&) = delete;
    remote_call& operator=(const remote_call&) = delete;

    virtual shared_state_base& state() noexcept = 0;
    /// Decodes the result and publishes it; an error where that fails. Does nothing when there is
    /// an outcome already.
    virtual void finish(byte_source& result) noexcept = 0;
    virtual void fail(std::exception_ptr error) noexcept = 0;
    virtual void finish_cancelled() noexcept = 0;
    /// The second half of a publication, for a thread that may run user code.
    virtual void run_callbacks() = 0;
    /// Decodes what arrived, likewise.
    void decode();
    /// Whether any thread may call `finish`: it runs no user code.
    bool is_plain() const noexcept { return plain_; }

    std::string call_label() const { return const_cast<remote_call*>(this)->state().label(); }

protected:
    const std::shared_ptr<process_core> core_; // first, since the arguments go back to its store

public:
    // Constant once submitted.
    payload arguments; // guarded by the pool's mutex from then on; freed when nobody needs it
    code_ref entry;
    bool stops = false; // takes a stop token

    // Guarded by the pool's mutex.
    std::uint64_t place = 0;   // in the queue; kept when it is taken back
    std::uint64_t number = 0;  // of the hand-out
    worker_channel* at = nullptr; // who holds it
    std::uint16_t slot = 0;
    bool queued = false;
    std::int64_t submitted_ns = 0;

    /// An answer on its way to be decoded; belongs to who has taken the task from its slot.
    struct arrived_answer {
        std::shared_ptr<segment> shared; ///< where the bytes are, or else
        std::unique_ptr<std::byte[]> copy;
        std::size_t size = 0;
        bool failed = false; ///< an error was thrown
    } arrived;
    remote_call* next_job = nullptr; // guarded by the queue that it is in

protected:
    ~remote_call() = default;

    const std::type_info& type_;
    const bool plain_;
};

/// Hands a publication with callbacks to the pool's thread for them.
void run_callbacks_later(process_core& core, remote_call& call) noexcept;

template <class R>
class remote_task final : public task_base<R>, public remote_call {
public:
    remote_task(std::shared_ptr<process_core> core, const std::type_info& type) noexcept
        : remote_call(std::move(core), type, detail::is_plain<R>::value) {}

    shared_state_base& state() noexcept override { return *this; }

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
    void run_callbacks() override {
        if (continuation* const first = std::exchange(kept_, {}).first)
            this->fire(first);
    }

    bool request_stop() noexcept override { return ask_call_to_stop(*core_, *this); }
    bool cancel_running() noexcept override { return cancel_running_call(*core_, *this); }
    bool on_timer(timer_purpose) noexcept override { return true; }
    void expired() override {
        if (!this->claim_queued())
            return;
        expired_ = true;
        destroy_callable();
        this->error_ = this->start_expiry();
        publish_from_pool(status::error);
    }

private:
    const std::type_info& type() const noexcept override { return type_; }

    bool begin_end() {
        if (!this->claim(true))
            return false;
        if (this->extra != nullptr && this->extra->start_by)
            static_cast<void>(disarm_timer(*this));
        return true;
    }
    void publish_from_pool(status outcome) noexcept {
        kept_ = this->announce_apart(outcome);
        if (kept_.user_code)
            run_callbacks_later(*core_, *this);
    }

    void destroy_callable() noexcept override {
        if (this->extra != nullptr && this->extra->start_by)
            static_cast<void>(disarm_timer(*this));
        work_dropped(*core_, *this, expired_);
    }
    bool revoke() noexcept override { return take_call_back(*core_, *this); }
    bool started_remotely() const noexcept override { return call_started(*core_, *this); }

    typename task_base<R>::closed_ring kept_;
    bool expired_ = false;
};

/// Errors: what `submit` throws. Nothing is queued then.
void submit_call(const std::shared_ptr<process_core>& core,
                 boost::intrusive_ptr<shared_state_base> state, remote_call& call);
void throw_if_closed(process_core& core);
segment_store& store_of(process_core& core) noexcept;

/// Submits encoded arguments for `entry`.
template <class R>
future<R> submit_payload(const std::shared_ptr<process_core>& core, task_options* options,
                         const std::type_info& type, entry_point entry, bool stops,
                         payload arguments) {
    boost::intrusive_ptr<remote_task<R>> t(new remote_task<R>(core, type));
    if (options != nullptr && !set_options(*t, *options))
        return detail::access::make<R>(std::move(t));
    t->entry = locate(reinterpret_cast<const void*>(entry));
    t->stops = stops;
    t->arguments = std::move(arguments);
    submit_call(core, t, *t);
    return detail::access::make<R>(std::move(t));
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

/// What encoding throws is the outcome.
template <class F, class... A>
auto submit_remotely(const std::shared_ptr<process_core>& core, task_options* options, const F& fn,
                     const A&... args) {
    using result = std::remove_cv_t<call_result_t<F, sent_t<A>...>>;
    constexpr bool stop = takes_stop_token<F, sent_t<A>...>;
    throw_if_closed(*core);
    payload arguments;
    try {
        byte_sink out(store_of(*core));
        encode_call<F>(out, fn, args...);
        arguments = out.finish();
    } catch (...) {
        auto error = std::current_exception();
        if (error == nullptr) // the thread is being ended
            throw;
        promise<result> failed;
        failed.set_exception(std::move(error));
        return failed.get_future();
    }
    return submit_payload<result>(core, options, typeid(F), &run_remotely<F, stop, sent_t<A>...>,
                                  stop, std::move(arguments));
}

/// What each worker runs before its first task.
struct encoded_initializer {
    code_ref entry;
    std::vector<std::byte> arguments;
};
std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode);

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
concept process_offloadable = offloadable<F, detail::passed_t<A>...> &&
    detail::captures_nothing__pass_what_it_needs_as_arguments<std::decay_t<F>> &&
    sendable<detail::first_unsendable_t<detail::sent_t<A>...>> && sendable<
        detail::first_unsendable_t<std::remove_const_t<offload_result_t<F, detail::sent_t<A>...>>>>;

} // namespace ferry
