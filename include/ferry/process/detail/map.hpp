// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/map.hpp>
#include <ferry/process/detail/task.hpp>

#include <algorithm>

namespace ferry::detail {

/// The results of some neighbouring calls that ran together in a worker process.
template <class R>
class chunk_call {
public:
    chunk_call(boost::intrusive_ptr<shared_state<chunk_result<R>>> s, std::size_t size) noexcept
        : future_(access::make(std::move(s))), size_(size) {}
    /// One whose input could not be encoded.
    explicit chunk_call(std::exception_ptr error)
        : chunk_call(failed_state<chunk_result<R>>(std::move(error)), 1) {}

    bool wait_for(timeout limit) const { return future_.done() || future_.wait_for(limit); }
    /// Waits for the current element and gives it.
    typename chunk_result<R>::value_type& get() {
        if (result_ == nullptr)
            result_ = const_cast<chunk_result<R>*>(&future_.result());
        auto& value = result_->values[at_];
        if (!value)
            std::rethrow_exception(error());
        return *value;
    }
    /// Goes on to the next element; false at the end.
    bool next() noexcept { return ++at_ < size_; }
    std::size_t left() const noexcept { return size_ - at_; }
    void cancel() { future_.cancel(); }

private:
    const std::exception_ptr& error() const {
        return std::lower_bound(result_->errors.begin(), result_->errors.end(), at_,
                                [](const auto& e, std::size_t at) { return e.first < at; })
            ->second;
    }

    future<chunk_result<R>> future_;
    chunk_result<R>* result_ = nullptr;
    std::size_t size_;
    std::size_t at_ = 0;
};

/// Reads inputs, encodes them one behind the other, and submits them as one task.
template <class R, class F, class... T>
class chunk_submitter {
public:
    chunk_submitter(std::shared_ptr<call_host> host, F fn, std::size_t chunksize)
        : host_(std::move(host)), fn_(std::move(fn)), chunksize_(chunksize) {}

    template <class Reader>
    std::optional<chunk_call<R>> operator()(Reader& source, std::size_t most) {
        if (unreadable_ != nullptr)
            std::rethrow_exception(std::exchange(unreadable_, nullptr));
        if (unsendable_ != nullptr)
            return chunk_call<R>(std::exchange(unsendable_, nullptr));
        byte_sink out(host_->store());
        output_archive ar(out);
        std::uint64_t count = 0;
        put_function<F>(out, ar, fn_);
        const std::size_t place = out.size();
        out.put(count);
        const auto encode = [&](const T&... element) {
            const std::size_t start = out.size();
            try {
                (static_cast<void>(ar(element)), ...);
            } catch (...) {
                unsendable_ = caught_or_unwind();
                out.truncate(start);
            }
            return true;
        };
        try {
            while (count != std::min(chunksize_, most) && unsendable_ == nullptr &&
                   source.next(encode))
                ++count;
        } catch (...) {
            unreadable_ = caught_or_unwind(); // what was read before it comes first
            if (count == 0)
                std::rethrow_exception(std::exchange(unreadable_, nullptr));
        }
        if (unsendable_ != nullptr && --count == 0) // the last one, which is no part of the chunk
            return chunk_call<R>(std::exchange(unsendable_, nullptr));
        if (count == 0)
            return std::nullopt;
        host_->check_open();
        out.put_at(place, count);
        constexpr bool stop = takes_stop_token<F, T...>;
        auto call = prepare_payload<chunk_result<R>>(host_, nullptr, typeid(F),
                                                     &run_chunk_remotely<F, stop, T...>, stop,
                                                     out.finish(), label_of_callable(fn_));
        return chunk_call<R>(submit_prepared(*host_, entrance::map, std::move(call)), count);
    }

private:
    std::shared_ptr<call_host> host_;
    F fn_;
    std::size_t chunksize_;
    std::exception_ptr unreadable_; // comes behind the chunk before it
    std::exception_ptr unsendable_; // likewise
};

template <class F, class... Ranges>
auto map_remotely(std::shared_ptr<call_host> host, map_options options, F fn, Ranges&&... ranges) {
    using result = std::remove_cv_t<offload_result_t<F, std::ranges::range_value_t<Ranges>...>>;
    host->check_open();
    check_function(*host, fn);
    return start_map<result, chunk_call<result>>(
        options, options.chunksize,
        chunk_submitter<result, F, std::ranges::range_value_t<Ranges>...>(
            std::move(host), std::move(fn), options.chunksize),
        std::forward<Ranges>(ranges)...);
}

} // namespace ferry::detail
