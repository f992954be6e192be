// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/thread_pool.hpp>

#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <variant>

namespace ferry {
namespace detail {

/// What a map view reads from: the calls under way, and where more come from.
template <class R>
struct map_progress {
    std::deque<future<R>> calls;
    /// Submits the call for the next input; nothing at the end of the input. Empty: all is submitted.
    std::function<std::optional<future<R>>()> more;
    std::optional<timeout::clock::time_point> deadline;
    bool read = false;

    map_progress() = default;
    map_progress(const map_progress&) = delete;
    map_progress& operator=(const map_progress&) = delete;
    ~map_progress() {
        if (read)
            cancel();
    }

    void cancel() noexcept {
        for (auto& f : calls)
            f.cancel();
    }
    void finish() {
        cancel();
        calls.clear();
        more = nullptr;
    }
    /// Takes in one more input; what goes wrong there comes out when its place is read.
    void advance() {
        if (!more)
            return;
        try {
            if (auto f = more()) {
                calls.push_back(std::move(*f));
                return;
            }
        } catch (...) {
            promise<R> failed;
            calls.push_back(failed.get_future());
            failed.set_exception(std::current_exception());
        }
        more = nullptr;
    }
};

} // namespace detail

/// The results of a `map`, in the order of the input. A single-pass input range: `*` waits, throws
/// what the call threw, and gives `R&&` (void: `std::monostate`); `++` does neither. After an
/// exception the iteration can go on behind it. `begin()` again goes on where reading stopped; the
/// view keeps nothing of what was read. When the time-out expires `*` throws `timeout_error`, what
/// has not started is cancelled, and the view is at its end.
/// Destroying a view that was read from cancels what has not started; one never read, nothing.
/// Thread safety: for one thread at a time. Lifetime: may outlive its pool.
template <class R>
class map_view : public std::ranges::view_interface<map_view<R>> {
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
            p.read = true;
            auto& front = p.calls.front();
            if (!front.done() && p.deadline) {
                const auto left = *p.deadline - timeout::clock::now();
                if (!front.wait_for(left)) {
                    p.finish();
                    throw timeout_error("map: its time-out expired");
                }
            }
            if constexpr (std::is_void_v<R>) {
                static value unit;
                front.result();
                return std::move(unit);
            } else if constexpr (std::is_reference_v<R>) {
                return static_cast<R&&>(front.result());
            } else {
                return std::move(const_cast<R&>(front.result()));
            }
        }
        iterator& operator++() {
            progress_->read = true;
            progress_->calls.pop_front();
            progress_->advance();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
            return i.progress_->calls.empty();
        }

    private:
        friend class map_view;
        explicit iterator(detail::map_progress<R>* p) noexcept : progress_(p) {}
        detail::map_progress<R>* progress_ = nullptr;
    };

    explicit map_view(std::unique_ptr<detail::map_progress<R>> p) noexcept
        : progress_(std::move(p)) {}

    iterator begin() { return iterator(progress_.get()); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    std::unique_ptr<detail::map_progress<R>> progress_;
};

namespace detail {

/// A callable for many calls: a copy for each where it can be copied, else one that they share.
template <class F>
auto shareable(F f) {
    if constexpr (std::is_copy_constructible_v<F>)
        return f;
    else
        return [shared = std::make_shared<F>(std::move(f))](auto&&... a) -> decltype(auto) {
            return std::invoke(*shared, std::forward<decltype(a)>(a)...);
        };
}

/// Several ranges, read in step until one ends.
template <class... Views>
class zip_reader {
public:
    explicit zip_reader(Views... v) : views_(std::move(v)...) {}

    /// Calls `f` with the next element of each, copied; nothing at the end.
    template <class F>
    auto next(F&& f) {
        using result = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
        std::optional<result> r;
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
                    },
                    *at_);
            },
            views_);
        return r;
    }

private:
    std::tuple<Views...> views_;
    std::optional<std::tuple<std::ranges::iterator_t<Views>...>> at_;
};

template <class F, class... Ranges>
auto map_on(std::shared_ptr<pool_core> core, map_options options, F fn, Ranges&&... ranges) {
    auto call = shareable(std::move(fn));
    using callable = decltype(call);
    using result = offload_result_t<callable, std::ranges::range_value_t<Ranges>...>;
    using progress_type = map_progress<result>;
    using reader = zip_reader<std::views::all_t<Ranges>...>;

    if (options.chunksize == 0)
        throw std::invalid_argument("map_options::chunksize must be at least 1, not 0");
    if (options.buffersize && *options.buffersize == 0)
        throw std::invalid_argument("map_options::buffersize must be at least 1, not 0");
    throw_if_closed(*core);

    auto progress = std::make_unique<progress_type>();
    progress->deadline = options.timeout.deadline();
    auto source = std::make_shared<reader>(std::views::all(std::forward<Ranges>(ranges))...);
    auto submit_next = [core = std::move(core), call = std::move(call), source] {
        return source->next([&](auto&&... element) {
            return submit_to(*core, bounded::yes, nullptr, call,
                             std::forward<decltype(element)>(element)...);
        });
    };
    try {
        std::size_t n = 0;
        for (; !options.buffersize || n < *options.buffersize; ++n) {
            auto f = submit_next();
            if (!f)
                break;
            progress->calls.push_back(std::move(*f));
        }
        if (options.buffersize && n == *options.buffersize)
            progress->more = std::move(submit_next);
    } catch (...) {
        progress->cancel();
        throw;
    }
    return map_view<result>(std::move(progress));
}

} // namespace detail

template <class F, std::ranges::input_range... Ranges>
    requires(sizeof...(Ranges) > 0)
auto thread_pool::map(F fn, Ranges&&... ranges) {
    return detail::map_on(core_, map_options(), std::move(fn), std::forward<Ranges>(ranges)...);
}
template <class F, std::ranges::input_range... Ranges>
    requires(sizeof...(Ranges) > 0)
auto thread_pool::map(map_options options, F fn, Ranges&&... ranges) {
    return detail::map_on(core_, options, std::move(fn), std::forward<Ranges>(ranges)...);
}

} // namespace ferry
