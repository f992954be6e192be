// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_ledger.hpp"

#include <boost/assert.hpp>

namespace ferry::detail::cluster {

void host_ledger::delivered(const task_id& id, std::uint64_t tag, bool redelivered, actions& out) {
    if (const auto it = tasks_.find(id); it != tasks_.end()) {
        it->second.tag = tag; // it is here already, from before the connection was lost
        if (it->second.at == stage::held) {
            held_.push_back(id);
            start_next(out);
        }
        return;
    }
    if (cancelled_.contains({id.reply_to, id.number})) {
        out.push_back({what::acknowledge, id, tag, {}});
        return;
    }
    const auto it = tasks_.emplace(id, task{stage::held, tag}).first;
    if (redelivered) {
        report(*it, decline_reason::redelivered, out);
    } else if (draining_) {
        report(*it, decline_reason::draining, out);
    } else {
        held_.push_back(id);
        start_next(out);
    }
}

void host_ledger::report(tasks::value_type& entry, decline_reason why, actions& out) {
    entry.second.at = stage::reporting;
    out.push_back({what::decline, entry.first, 0, why});
}

void host_ledger::start_next(actions& out) {
    while (!draining_ && running_ < workers_ && !held_.empty()) {
        const task_id id = std::move(held_.front());
        held_.pop_front();
        const auto it = tasks_.find(id);
        if (it == tasks_.end() || it->second.at != stage::held || it->second.tag == 0)
            continue;
        it->second.at = stage::running;
        ++running_;
        out.push_back({what::run, id, 0, {}});
    }
}

void host_ledger::cancelled(const cancel_frame& f, actions& out) {
    for (const std::uint64_t number : f.numbers) {
        bool is_here = false;
        for (auto it = tasks_.lower_bound({f.reply_to, number, 0});
             it != tasks_.end() && it->first.reply_to == f.reply_to &&
             it->first.number == number;) {
            is_here = true;
            if (it->second.at == stage::running) {
                out.push_back(
                    {f.only_ask_to_stop ? what::ask_to_stop : what::end_run, it->first, 0, {}});
            } else if (it->second.at == stage::held && !f.only_ask_to_stop) {
                if (it->second.tag != 0)
                    out.push_back({what::acknowledge, it->first, it->second.tag, {}});
                it = tasks_.erase(it);
                continue;
            }
            ++it;
        }
        if (is_here || f.only_ask_to_stop)
            continue;
        const std::pair key(f.reply_to, number);
        if (cancelled_.insert(key).second)
            cancelled_order_.push_back(key);
        if (cancelled_order_.size() > remembered) {
            cancelled_.erase(cancelled_order_.front());
            cancelled_order_.pop_front();
        }
    }
}

void host_ledger::finished(const task_id& id, actions& out) {
    const auto it = tasks_.find(id);
    if (it == tasks_.end() || it->second.at != stage::running)
        return;
    it->second.at = stage::reporting;
    --running_;
    start_next(out);
}

void host_ledger::reported(const task_id& id, actions& out) {
    const auto it = tasks_.find(id);
    if (it == tasks_.end() || it->second.at != stage::reporting)
        return;
    if (it->second.tag != 0)
        out.push_back({what::acknowledge, id, it->second.tag, {}});
    tasks_.erase(it);
}

void host_ledger::connection_lost(actions& out) {
    for (auto it = tasks_.begin(); it != tasks_.end();) {
        if (it->second.at == stage::held && it->second.tag == 0) {
            out.push_back({what::forget, it->first, 0, {}});
            it = tasks_.erase(it);
        } else {
            (it++)->second.tag = 0;
        }
    }
}

void host_ledger::drain(actions& out) {
    draining_ = true;
    held_.clear();
    for (auto& entry : tasks_) {
        if (entry.second.at == stage::held)
            report(entry, decline_reason::draining, out);
    }
}

bool host_ledger::is_running(const task_id& id) const {
    const auto it = tasks_.find(id);
    return it != tasks_.end() && it->second.at == stage::running;
}

void host_ledger::list(const tasks::value_type& entry, known_tasks& k) {
    const auto& [id, t] = entry;
    if (t.at == stage::reporting || (t.at == stage::held && t.tag == 0))
        return;
    auto& to = t.at == stage::held ? k.held : k.running;
    to.push_back(id.number);
    to.push_back(id.round);
}

std::map<std::string, host_ledger::known_tasks> host_ledger::known() const {
    std::map<std::string, known_tasks> all;
    for (const auto& entry : tasks_)
        list(entry, all[entry.first.reply_to]);
    return all;
}

host_ledger::known_tasks host_ledger::known(const std::string& reply_to) const {
    known_tasks k;
    for (auto it = tasks_.lower_bound({reply_to, 0, 0});
         it != tasks_.end() && it->first.reply_to == reply_to; ++it)
        list(*it, k);
    return k;
}

} // namespace ferry::detail::cluster
