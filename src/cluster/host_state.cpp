// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_state.hpp"

#include <utility>

namespace ferry::detail::cluster {

host_state::host_state(cluster_options o, cluster_worker_options w)
    : self(std::move(o), std::move(w)), pool(self.worker_options.processes),
      publisher(self.options, self.address, "host, publishing"),
      consumer(self.options, self.address, "host, consuming"), ledger(pool.max_workers()) {}

void host_state::say(report r) {
    outbox.add(std::move(r));
    publisher.wake().signal();
}

void host_state::perform(const host_ledger::actions& all, to_do& later) {
    using what = host_ledger::what;
    for (const auto& a : all) {
        switch (a.kind) {
        case what::run:
            // What is durable starts once the broker has heard of it, so that a task that comes
            // back after the broker's crash is known not to have started.
            if (self.options.durable) {
                report r = self.started(a.id);
                r.id = a.id;
                r.starts = true;
                say(std::move(r));
            } else {
                later.run.push_back(a.id);
            }
            break;
        case what::decline:
            tasks.erase(a.id);
            say(self.declined(a.id, a.reason));
            break;
        case what::acknowledge:
            acknowledgements.push_back(a.tag);
            consumer.wake().signal();
            tasks.erase_held(a.id);
            break;
        case what::forget: tasks.erase(a.id); break;
        case what::ask_to_stop:
            if (auto call = tasks.ask_to_stop(a.id))
                later.stop.push_back(std::move(call));
            break;
        case what::end_run:
            if (auto call = tasks.end(a.id))
                later.end.push_back(std::move(call));
            break;
        }
    }
}

void host_state::tell(const std::string& reply_to, host_ledger::known_tasks known) {
    tasks.move_unstarted(reply_to, known);
    say(self.beat_to(reply_to, std::move(known)));
}

void host_state::fail(const std::string& why) {
    const annotated_lock lock(mutex);
    phase.fail(why);
}

void host_state::ask_to_end() noexcept {
    asked_to_end.fetch_add(1);
    consumer.wake().signal();
}

bool host_state::is_over() const {
    const annotated_lock lock(mutex);
    return phase.is_over(host_phase::clock::now(),
                         ledger.size() == 0 && acknowledgements.empty() && outbox.empty());
}

} // namespace ferry::detail::cluster
