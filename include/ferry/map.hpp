// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/thread_pool.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <variant>

namespace ferry {
namespace detail {

/// One call of a `map`, as its view reads it.
template <class R>
class single_call {
public:
    explicit single_call(future<R> f) noexcept : future_(std::move(f)) {}

    bool wait_for(timeout limit) const { return future_.done() || future_.wait_for(limit); }
    /// Waits for the current element and returns it.
    decltype(auto) get() {
        if constexpr (std::is_void_v<R>) {
            future_.result();
            return (unit_);
        } else if constexpr (std::is_reference_v<R>) {
            return future_.result();
        } else {
            return const_cast<R&>(future_.result());
        }
    }
    /// Moves on to the next element; returns false at the end.
    bool next() noexcept { return false; }
    /// The number of elements that were not read.
    std::size_t left() const noexcept { return 1; }
    void cancel() { future_.cancel(); }

private:
    future<R> future_;
    [[no_unique_address]] std::monostate unit_;
};

/// The source of a map view: the calls under way, and the input of further ones. A call covers one
/// element or some neighbouring ones.
template <class Call>
struct map_progress {
    std::deque<Call> calls;
    /// Submits a call for at most that many next inputs; returns nothing at their end. Empty if all
    /// is submitted.
    std::function<std::optional<Call>(std::size_t)> more;
    std::exception_ptr last; // an exception of `more`; thrown behind the calls
    std::optional<timeout::clock::time_point> deadline;
    std::size_t room = 0;     // how many more inputs may be ahead of the reading
    std::size_t together = 1; // how many are worth a call
    bool read = false;

    map_progress() = default;
    map_progress(const map_progress&) = delete;
    map_progress& operator=(const map_progress&) = delete;
    ~map_progress() {
        if (read)
            cancel();
    }

    void cancel() noexcept {
        for (auto& c : calls)
            c.cancel();
    }
    void finish() {
        cancel();
        calls.clear();
        more = nullptr;
        last = nullptr;
    }
    bool at_end() {
        refill();
        return calls.empty() && !last;
    }
    /// The call of the current element. Throws if there is none.
    Call& current() {
        read = true;
        if (at_end())
            throw invalid_state_error("map: there are no more results");
        if (calls.empty())
            std::rethrow_exception(last);
        return calls.front();
    }
    /// Submits one call; false at the end of the input.
    bool submit_one() {
        auto c = more(room);
        if (!c)
            return false;
        room -= c->left();
        calls.push_back(std::move(*c));
        return true;
    }
    /// Leaves an element behind. More input is read when the next element is asked for, since
    /// reading may wait, for the input or for room in the pool.
    void advance() noexcept {
        read = true;
        if (calls.empty()) {
            last = nullptr;
        } else {
            if (!calls.front().next())
                calls.pop_front();
            ++room;
        }
    }

private:
    void refill() {
        while (more && room >= together) {
            try {
                if (submit_one())
                    continue;
            } catch (...) {
                last = caught_or_unwind();
            }
            more = nullptr;
        }
    }
};

} // namespace detail

/// The results of a `map`, in the order of the input.
///
/// A single-pass input range. `*it` waits, throws what the call threw, and returns `R&&` (for void:
/// `std::monostate`); `++it` neither waits nor throws. Iteration can continue past an element that
/// threw. Calling `begin()` again resumes where reading stopped. Elements already read are not
/// retained.
///
/// If the `map` has a `buffersize`, more input is read and submitted when the next element is asked
/// for, by `*` or by the comparison with the end. An exception of that is thrown in place of the
/// element, and the view then ends.
///
/// @par Cancellation
/// Destroying a view that has been read from cancels the calls that have not started; destroying
/// one that was never read cancels nothing.
///
/// @par Blocking
/// `*it` until the element is ready, at most until the timeout of the `map` expires. With a
/// `buffersize`, `*it` and the comparison with the end may also wait for the input and for room in
/// a bounded queue.
///
/// @par Errors
/// When the timeout expires, `*it` throws `timeout_error`, the calls that have not started are
/// cancelled, and the view is at its end. Reading a view that is at its end throws
/// `invalid_state_error`.
///
/// @par Lifetime
/// A view may outlive its pool: what was submitted can be read to its end; if there is more input,
/// `shutdown_error` is then thrown once.
///
/// @par Thread safety
/// Distinct objects: safe. Shared objects: unsafe.
template <class R, class Call = detail::single_call<R>>
class map_view : public std::ranges::view_interface<map_view<R, Call>> {
    using value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

public:
    class iterator {
    public:
        using value_type = std::remove_cvref_t<value>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        value&& operator*() const {
            auto& p = *progress_;
            auto& front = p.current();
            if (p.deadline && !front.wait_for(*p.deadline - timeout::clock::now())) {
                p.finish();
                throw timeout_error("map: its timeout expired");
            }
            return static_cast<value&&>(front.get());
        }
        iterator& operator++() noexcept {
            progress_->advance();
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) {
            return i.progress_->at_end();
        }

    private:
        friend class map_view;
        explicit iterator(detail::map_progress<Call>* p) noexcept : progress_(p) {}
        detail::map_progress<Call>* progress_ = nullptr;
    };

    iterator begin() { return iterator(progress_.get()); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend struct detail::access;
    explicit map_view(std::unique_ptr<detail::map_progress<Call>> p) noexcept
        : progress_(std::move(p)) {}

    std::unique_ptr<detail::map_progress<Call>> progress_;
};

namespace detail {

/// A callable for many calls: a copy for each if it can be copied, else one that they share.
template <class F>
auto shareable(F f) {
    if constexpr (std::is_copy_constructible_v<F>)
        return f;
    else
        return [shared = std::make_shared<F>(std::move(f))](
                   auto&&... a) -> std::invoke_result_t<F&, decltype(a)...> {
            return std::invoke(*shared, std::forward<decltype(a)>(a)...);
        };
}

/// Several ranges, read in step until one ends.
template <class... Views>
class zip_reader {
public:
    explicit zip_reader(Views... v) : views_(std::move(v)...) {}

    /// Calls `f` with a copy of the next element of each range; returns nothing at the end.
    template <class F>
    auto next(F&& f) {
        using result = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
        std::optional<result> r;
        if (ended_)
            return r;
        std::apply(
            [&](auto&... v) {
                if (!at_)
                    at_.emplace(std::ranges::begin(v)...);
                else
                    std::apply([](auto&... it) { (static_cast<void>(++it), ...); }, *at_);
                std::apply(
                    [&](auto&... it) {
                        if (((it != std::ranges::end(v)) && ...))
                            r.emplace(f(std::ranges::range_value_t<Views>(*it)...));
                        else
                            ended_ = true;
                    },
                    *at_);
            },
            views_);
        return r;
    }

private:
    std::tuple<Views...> views_;
    std::optional<std::tuple<std::ranges::iterator_t<Views>...>> at_;
    bool ended_ = false;
};

/// `submit(reader, n)` submits a call for at most n inputs; it returns nothing at their end.
template <class R, class Call, class Submit, class... Ranges>
map_view<R, Call> start_map(const map_options& options, std::size_t together, Submit submit,
                            Ranges&&... ranges) {
    if (options.chunksize == 0)
        throw std::invalid_argument("map_options::chunksize must be at least 1, not 0");
    if (options.buffersize && *options.buffersize == 0)
        throw std::invalid_argument("map_options::buffersize must be at least 1, not 0");
    if (options.buffersize > std::size_t{PTRDIFF_MAX})
        throw std::invalid_argument("map_options::buffersize is negative or beyond any size");
    using reader = zip_reader<std::views::all_t<Ranges>...>;
    auto progress = std::make_unique<map_progress<Call>>();
    progress->deadline = options.timeout.deadline();
    progress->room = options.buffersize.value_or(std::numeric_limits<std::size_t>::max());
    progress->together = std::min(together, progress->room);
    progress->more =
        [submit = std::make_shared<Submit>(std::move(submit)), // which may be move-only
         source = std::make_shared<reader>(std::views::all(std::forward<Ranges>(ranges))...)](
            std::size_t most) { return (*submit)(*source, most); };
    while (progress->room != 0) {
        if (!progress->submit_one()) {
            progress->more = nullptr;
            break;
        }
    }
    return access::make_view<map_view<R, Call>>(std::move(progress));
}

/// Queues tasks in batches: the first alone, then twice as many each time.
class task_batch {
public:
    explicit task_batch(pool_core& core) noexcept : core_(core) {}

    /// Somebody else keeps the task until the batch is queued.
    void add(shared_state_base& t) {
        tasks_.push_back(&t);
        if (tasks_.size() >= size_)
            flush();
    }
    /// Errors: those of `submit`; nothing of the batch is queued then.
    void flush() {
        if (tasks_.empty())
            return;
        const scope_exit at_end([this] { tasks_.clear(); });
        enqueue_all(core_, tasks_);
        size_ = std::min<std::size_t>(2 * size_, 1024);
    }

private:
    pool_core& core_;
    std::vector<shared_state_base*> tasks_;
    std::size_t size_ = 1;
};

template <class V>
inline constexpr bool is_iota = false;
template <class W, class B>
inline constexpr bool is_iota<std::ranges::iota_view<W, B>> = true;
/// Ranges of which no element waits for the result of an earlier one.
template <class Range>
concept never_waiting_range =
    std::ranges::contiguous_range<Range> || is_iota<std::remove_cvref_t<Range>>;

template <class F, class... Ranges>
auto map_on(std::shared_ptr<pool_core> core, map_options options, F fn, Ranges&&... ranges) {
    auto call = shareable(std::move(fn));
    using result = offload_result_t<decltype(call), std::ranges::range_value_t<Ranges>...>;
    using single = single_call<result>;

    throw_if_closed(*core);
    if constexpr ((never_waiting_range<Ranges> && ...)) {
        if (!options.buffersize && !is_bounded(*core)) {
            return start_map<result, single>(
                options, 1,
                [batch = task_batch(*core), core, call](auto& source, std::size_t) mutable {
                    const auto add = [&](auto&&... element) {
                        using task = task_for<decltype(call), std::decay_t<decltype(element)>...>;
                        auto t =
                            make_state<task>(call, std::forward<decltype(element)>(element)...);
                        keep_context(*t);
                        batch.add(*t);
                        return detail::access::make<result>(std::move(t));
                    };
                    std::optional<future<result>> f;
                    try {
                        f = source.next(add);
                    } catch (...) { // an element could not be copied; those before it run
                        batch.flush();
                        throw;
                    }
                    if (f)
                        return std::optional(single(std::move(*f)));
                    batch.flush();
                    return std::optional<single>();
                },
                std::forward<Ranges>(ranges)...);
        }
    }
    return start_map<result, single>(
        options, 1,
        [core = std::move(core), call = std::move(call)](auto& source, std::size_t) {
            auto f = source.next([&](auto&&... element) {
                return access::make(submit_to(*core, entrance::map, nullptr, call,
                                              std::forward<decltype(element)>(element)...));
            });
            return f ? std::optional(single(std::move(*f))) : std::nullopt;
        },
        std::forward<Ranges>(ranges)...);
}

} // namespace detail

template <class F, std::ranges::input_range... Ranges>
    requires detail::mappable<Ranges...> && offloadable<F, std::ranges::range_value_t<Ranges>...>
auto thread_pool::map(F fn, Ranges&&... ranges) {
    return detail::map_on(core_, map_options(), std::move(fn), std::forward<Ranges>(ranges)...);
}
template <class F, std::ranges::input_range... Ranges>
    requires detail::mappable<Ranges...> && offloadable<F, std::ranges::range_value_t<Ranges>...>
auto thread_pool::map(map_options options, F fn, Ranges&&... ranges) {
    return detail::map_on(core_, options, std::move(fn), std::forward<Ranges>(ranges)...);
}

} // namespace ferry
