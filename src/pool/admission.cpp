// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "admission.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace ferry::detail {

std::chrono::nanoseconds admission::estimate(std::size_t ahead, std::chrono::nanoseconds mean,
                                             std::size_t workers) noexcept {
    FERRY_ASSERT(workers != 0);
    using std::chrono::nanoseconds;
    const double ns = static_cast<double>(ahead) * static_cast<double>(mean.count()) /
                      static_cast<double>(workers);
    return ns < static_cast<double>(nanoseconds::max().count())
               ? nanoseconds(static_cast<nanoseconds::rep>(ns))
               : nanoseconds::max();
}

bool admission::is_too_slow(const admission_request& r,
                            std::chrono::nanoseconds wait) const noexcept {
    return wait > *limits_.max_wait.limit() || (r.start_by && wait > *r.start_by - r.now);
}

std::size_t admission::in_line_before(int priority) const noexcept {
    const std::size_t live = line_size() - claimed_;
    std::size_t n = priority <= 0 && live > others_count_ ? live - others_count_ : 0;
    for (const auto& [p, count] : others_) {
        if (p < priority)
            break;
        n += count;
    }
    return n;
}

admission_request admission_request::of(const shared_state_base& task, std::size_t bytes,
                                        int priority, entrance e,
                                        const admission_limits& limits) noexcept {
    admission_request r;
    r.bytes = bytes;
    r.priority = priority;
    r.may_wait = e == entrance::map;
    if (limits.max_wait.limit()) {
        r.now = timeout::clock::now();
        if (task.extra != nullptr)
            r.start_by = task.extra->start_by;
    }
    return r;
}

void admission::check_bytes(std::size_t n) const {
    if (n > std::numeric_limits<std::size_t>::max() - bytes_)
        throw std::invalid_argument("task_options::bytes is " + std::to_string(n) +
                                    ", which does not fit beside the " + std::to_string(bytes_) +
                                    " bytes of the tasks that wait");
}

void admission::add_bytes(std::size_t n) noexcept {
    FERRY_ASSERT(bytes_ + n >= bytes_);
    bytes_ += n;
}

void admission::remove_bytes(std::size_t n) noexcept {
    FERRY_ASSERT(n <= bytes_);
    bytes_ -= n;
}

void admission::stand(const place& p) {
    if (p.thread != nullptr && threads_.size() == threads_.capacity())
        threads_.reserve(2 * threads_.size() + 8);
    line_.push_back(p);
    if (p.priority != 0) {
        try {
            ++others_[p.priority];
        } catch (...) {
            line_.pop_back();
            throw;
        }
        ++others_count_;
    }
    if (p.thread != nullptr)
        threads_.push_back(p); // has room
}

void admission::uncount(const place& p, bool given_up) noexcept {
    if (given_up) {
        FERRY_ASSERT(claimed_ != 0);
        --claimed_;
    }
    if (p.thread != nullptr)
        std::erase_if(threads_, [&p](const place& t) { return t.task == p.task; });
    if (p.priority == 0)
        return;
    const auto at = others_.find(p.priority);
    FERRY_ASSERT(at != others_.end() && others_count_ != 0);
    if (--at->second == 0)
        others_.erase(at);
    --others_count_;
}

std::size_t admission::remove_at(std::size_t i, bool given_up) noexcept {
    FERRY_ASSERT(first_ <= i && i < line_.size());
    uncount(line_[i], given_up);
    if (i != first_) { // the few before it are about to be given up
        const auto at = line_.begin() + static_cast<std::ptrdiff_t>(i);
        std::move_backward(line_.begin() + static_cast<std::ptrdiff_t>(first_), at, at + 1);
        ++first_;
        return i + 1;
    }
    ++first_;
    if (first_ < 64 || first_ * 2 < line_.size())
        return first_;
    line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(first_));
    return first_ = 0;
}

void admission::remove(const shared_state_base& task, bool given_up) noexcept {
    const auto at = std::ranges::find(line_.begin() + static_cast<std::ptrdiff_t>(first_),
                                      line_.end(), &task, &place::task);
    if (at != line_.end())
        remove_at(static_cast<std::size_t>(at - line_.begin()), given_up);
}

bool admission::on_claimed(const shared_state_base& task) noexcept {
    if (line_size() == 0) // everybody had to go
        return false;
    // Only a timer does that to the task of a thread, which nobody else knows yet.
    const auto at = std::ranges::find(threads_, &task, &place::task);
    if (at != threads_.end())
        at->thread->set(blocked_thread::state::turned_away);
    return ++claimed_ > 256 + line_size() / 2;
}

std::vector<admission::place> admission::clear() noexcept {
    others_.clear();
    others_count_ = 0;
    claimed_ = 0;
    threads_.clear();
    std::vector<place> all;
    all.swap(line_);
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::exchange(first_, 0)));
    return all;
}

std::exception_ptr refusal(admission::decision why, const std::string& kind,
                           const shared_state_base& task, const admission_request& r,
                           const admission_limits& limits, std::size_t queued,
                           std::chrono::nanoseconds estimate) noexcept {
    return error_or_shortage([&] {
        std::string text = "the task '" + task.label() + "' was rejected: ";
        switch (why) {
        case admission::decision::too_large:
            text += "its " + std::to_string(r.bytes) + " bytes exceed max_queue_bytes of " + kind +
                    ", which is " + std::to_string(limits.max_queue_bytes);
            return make_error<queue_full_error>(text, queued, std::chrono::nanoseconds::max());
        case admission::decision::too_slow:
            text += "it would wait for about " +
                    text_of(std::chrono::ceil<std::chrono::milliseconds>(estimate)) + " in " +
                    kind +
                    (estimate > *limits.max_wait.limit() || estimate.count() == 0
                         ? ", whose max_wait is " + text_of(limits.max_wait)
                         : ", longer than until its start_by");
            break;
        default:
            text += "the queue of " + kind + " is full (";
            if (limits.max_queue != 0)
                text += "max_queue is " + std::to_string(limits.max_queue);
            if (limits.max_queue_bytes != 0)
                text += (limits.max_queue != 0 ? ", " : "") +
                        ("max_queue_bytes is " + std::to_string(limits.max_queue_bytes));
            text += ")";
            break;
        }
        return make_error<queue_full_error>(text, queued, estimate);
    });
}

} // namespace ferry::detail
