// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "arrived_tasks.hpp"

#include <boost/assert.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace ferry::detail::cluster {

void arrived_tasks::add(const task_frame& f, const std::shared_ptr<void>& keep) {
    if (!tasks_.contains(f.id))
        tasks_[f.id] = {.frame = f, .keep = keep};
}

const arrived_task* arrived_tasks::find(const task_id& id) const {
    const auto it = tasks_.find(id);
    return it != tasks_.end() ? &it->second : nullptr;
}

void arrived_tasks::erase_held(const task_id& id) {
    const auto it = tasks_.find(id);
    if (it != tasks_.end() && it->second.call == nullptr)
        tasks_.erase(it);
}

std::optional<arrived_task> arrived_tasks::take(const task_id& id) {
    auto node = tasks_.extract(id);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

void arrived_tasks::prepare(const task_id& id, clock::time_point now, bool limited_by_host,
                            bool has_started) {
    const auto it = tasks_.find(id);
    BOOST_ASSERT(it != tasks_.end()); // it runs, for the ledger
    arrived_task& t = it->second;
    t.keep = nullptr;
    t.frame.arguments = {};
    t.started = now;
    t.limited_by_host = limited_by_host;
    t.has_started = has_started;
}

const arrived_task& arrived_tasks::hand_over(const task_id& id, host_call_ptr call) {
    const auto it = tasks_.find(id);
    BOOST_ASSERT(it != tasks_.end());
    it->second.call = std::move(call);
    return it->second;
}

host_call_ptr arrived_tasks::ask_to_stop(const task_id& id) {
    const auto it = tasks_.find(id);
    if (it == tasks_.end())
        return nullptr;
    if (it->second.call == nullptr)
        it->second.asked_to_stop = true;
    return it->second.call;
}

host_call_ptr arrived_tasks::end(const task_id& id) {
    const auto it = tasks_.find(id);
    if (it == tasks_.end())
        return nullptr;
    if (it->second.call == nullptr)
        it->second.unwanted = true;
    return it->second.call;
}

host_call_ptr arrived_tasks::unstarted_call(const task_id& id) const {
    const auto it = tasks_.find(id);
    return it != tasks_.end() && !it->second.has_started ? it->second.call : nullptr;
}

bool arrived_tasks::mark_started(const task_id& id) {
    const auto it = tasks_.find(id);
    return it != tasks_.end() && !std::exchange(it->second.has_started, true);
}

void arrived_tasks::move_unstarted(const std::string& reply_to,
                                   host_ledger::known_tasks& known) const {
    std::vector<std::uint64_t> running;
    for (std::size_t i = 0; i + 1 < known.running.size(); i += 2) {
        const arrived_task* const t =
            find({reply_to, known.running[i], static_cast<std::uint32_t>(known.running[i + 1])});
        auto& to = t == nullptr || t->has_started ? running : known.held;
        to.insert(to.end(), {known.running[i], known.running[i + 1]});
    }
    known.running = std::move(running);
}

} // namespace ferry::detail::cluster
