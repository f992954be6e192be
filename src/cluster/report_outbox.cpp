// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "report_outbox.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace ferry::detail::cluster {

bool report_outbox::add_progress(const task_id& id, progress p) {
    const auto [it, is_first] = latest_.insert_or_assign(id, std::move(p));
    if (is_first) {
        entry& e = waiting_.emplace_back();
        e.what.key = id.reply_to;
        e.progress_of = id;
    }
    return is_first;
}

std::optional<report_outbox::numbered> report_outbox::take() {
    if (waiting_.empty() || unconfirmed_.size() >= window)
        return std::nullopt;
    entry& e = unconfirmed_.emplace_back(std::move(waiting_.front()));
    waiting_.pop_front();
    if (e.progress_of) {
        const auto it = latest_.find(*e.progress_of);
        BOOST_ASSERT(it != latest_.end());
        e.what.body =
            write_frame(progress_frame{it->first.number, it->second.done, it->second.note});
        latest_.erase(it);
        e.progress_of.reset();
    }
    return numbered{first_ + (unconfirmed_.size() - 1), &e.what};
}

void report_outbox::returned(std::uint64_t number) noexcept {
    if (number - first_ < unconfirmed_.size())
        unconfirmed_[static_cast<std::size_t>(number - first_)].returned = true;
}

bool report_outbox::keeps_trying(entry& e, clock::time_point now) {
    if (!e.returned || !e.what.id || e.what.starts)
        return false;
    if (!e.until)
        e.until = now + patience;
    if (now >= *e.until)
        return false;
    e.returned = false;
    returned_.emplace_back(now + pause, std::move(e));
    return true;
}

void report_outbox::confirmed(std::uint64_t number, bool multiple, bool retry,
                              clock::time_point now, std::vector<confirmation>& out) {
    // What lies before an early confirm is waited for.
    for (std::uint64_t n = multiple ? first_ : std::max(first_, number);
         n <= number && n - first_ < unconfirmed_.size(); ++n) {
        entry& e = unconfirmed_[static_cast<std::size_t>(n - first_)];
        if (e.confirmed)
            continue;
        if (!(retry && keeps_trying(e, now)) && e.what.id)
            out.push_back({std::move(*e.what.id), e.what.starts});
        e = {};
        e.confirmed = true;
    }
    while (!unconfirmed_.empty() && unconfirmed_.front().confirmed) {
        unconfirmed_.pop_front();
        ++first_;
    }
}

void report_outbox::connection_lost() {
    for (; !unconfirmed_.empty(); unconfirmed_.pop_back()) {
        entry& e = unconfirmed_.back();
        e.returned = false; // the next connection tells
        if (!e.confirmed)
            waiting_.push_front(std::move(e));
    }
    first_ = 1;
}

std::optional<report_outbox::clock::time_point>
report_outbox::retry_returned(clock::time_point now) {
    for (; !returned_.empty() && returned_.front().first <= now; returned_.pop_front())
        waiting_.push_back(std::move(returned_.front().second));
    return returned_.empty() ? std::nullopt : std::optional(returned_.front().first);
}

} // namespace ferry::detail::cluster
