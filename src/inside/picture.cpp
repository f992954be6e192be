// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "picture.hpp"

#include <ferry/unhandled.hpp>

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace ferry::detail {

using namespace recording;

namespace {

template <class T>
T get(const field<T>& f) noexcept {
    return f.load(std::memory_order_relaxed);
}
std::string text_of(const char* characters, std::size_t room) {
    return {characters, ::strnlen(characters, room)};
}

/// Spells the names of a recording.
class speller {
public:
    speller(const layout& of, const function_namer& namer) : of_(of), namer_(namer) {}

    std::string operator()(std::uint32_t number) {
        if (number == 0 || number > most_names)
            return "other";
        const auto [at, fresh] = known_.try_emplace(number);
        if (fresh)
            at->second = spell(of_.names[number - 1]);
        return at->second;
    }

private:
    std::string spell(const name& n) const {
        const std::uint32_t kind = n.kind.load(std::memory_order_acquire);
        std::string text = text_of(n.characters, sizeof n.characters);
        switch (kind) {
        case name::place: return text + ':' + std::to_string(get(n.line));
        case name::function: return namer_(get(n.address));
        case name::type: return demangle(text.c_str());
        default: return text;
        }
    }

    const layout& of_;
    const function_namer& namer_;
    std::unordered_map<std::uint32_t, std::string> known_;
};

std::string label_of(const worker& w, speller& spell) {
    const std::uint32_t label = get(w.label);
    if (label == 0)
        return {};
    if (label != UINT32_MAX)
        return spell(label);
    char text[sizeof w.text];
    for (std::size_t i = 0; i < std::size(w.text); ++i) {
        const std::uint64_t word = get(w.text[i]);
        std::memcpy(text + i * sizeof word, &word, sizeof word);
    }
    return text_of(text, sizeof text);
}

// The last events, without those that are being written or overwritten meanwhile.
std::vector<picture::event> events_of(const layout& of, std::uint32_t pool, speller& spell) {
    std::vector<picture::event> events;
    const std::uint64_t count = of.pools[pool].events.load(std::memory_order_acquire);
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, events_of_pool); ++i) {
        const auto& e = of.events[pool][i];
        const std::uint64_t at = e.at.load(std::memory_order_acquire);
        picture::event copy{at,
                            e.task.load(std::memory_order_acquire),
                            {},
                            e.thread.load(std::memory_order_acquire),
                            e.kind.load(std::memory_order_acquire)};
        const std::uint32_t label = e.label.load(std::memory_order_acquire);
        if (at == 0 || e.at.load(std::memory_order_acquire) != at)
            continue;
        copy.label = spell(label);
        events.push_back(std::move(copy));
    }
    std::ranges::sort(events,
                      [](const auto& a, const auto& b) { // kinds stand in their natural order
                          return a.at != b.at ? a.at < b.at : a.kind < b.kind;
                      });
    return events;
}

// Tasks that were submitted and neither started nor cancelled, as far as the events go back.
std::vector<picture::task> waiting(const std::vector<picture::event>& events) {
    std::unordered_map<std::uint64_t, const picture::event*> queued;
    for (const auto& e : events) {
        if (e.kind == event::submitted)
            queued[e.task] = &e;
        else if (e.kind != event::resumed)
            queued.erase(e.task);
    }
    std::vector<picture::task> tasks;
    tasks.reserve(queued.size());
    for (const auto& [id, e] : queued)
        tasks.push_back({id, e->at, e->label});
    std::ranges::sort(tasks, [](const auto& a, const auto& b) {
        return a.since != b.since ? a.since < b.since : a.id < b.id;
    });
    return tasks;
}

} // namespace

const picture::node* picture::find_node(std::uint32_t number) const noexcept {
    const auto n = std::ranges::lower_bound(nodes, number, {}, &node::number);
    return n != nodes.end() && n->number == number ? &*n : nullptr;
}

picture take_picture(const layout& of, std::uint64_t now, const function_namer& namer) {
    picture p;
    p.pid = get(of.head.pid);
    p.now = now;
    p.hidden_pools = get(of.head.hidden_pools);
    speller spell(of, namer);
    std::vector<std::uint32_t> records; // of the pools in the picture
    for (std::uint32_t i = 0; i < most_pools; ++i) {
        const auto& r = of.pools[i];
        const std::uint32_t kind = r.kind.load(std::memory_order_acquire);
        if (kind == pool::unused)
            continue;
        const std::uint64_t pushed = get(r.pushed), taken = get(r.taken);
        const auto claimed = static_cast<std::uint64_t>(std::max<std::int64_t>(0, get(r.claimed)));
        const std::uint64_t inside = pushed > taken ? pushed - taken : 0;
        auto& copy = p.pools.emplace_back();
        copy.name = text_of(r.name, sizeof r.name);
        copy.kind = kind;
        copy.max_workers = get(r.max_workers);
        copy.queued = (inside > claimed ? inside - claimed : 0) +
                      static_cast<std::uint64_t>(std::max<std::int64_t>(0, get(r.elsewhere)));
        copy.events = events_of(of, i, spell);
        copy.waiting = waiting(copy.events);
        records.push_back(i + 1);
    }
    for (std::uint32_t i = 0; i < most_workers; ++i) {
        const auto& w = of.workers[i];
        const auto at = std::ranges::find(records, w.pool.load(std::memory_order_acquire));
        if (at == records.end())
            continue;
        p.pools[static_cast<std::size_t>(at - records.begin())].workers.push_back(
            {get(w.number), i + 1, get(w.thread), get(w.since), get(w.task), label_of(w, spell),
             get(w.completed), get(w.failed)});
    }
    for (auto& copy : p.pools) {
        std::ranges::sort(copy.workers, {}, &picture::worker::number);
        // That a process has started a task is recorded when it has ended.
        std::erase_if(copy.waiting, [&copy](const picture::task& t) {
            return std::ranges::find(copy.workers, t.id, &picture::worker::task) !=
                   copy.workers.end();
        });
    }
    for (std::uint32_t i = 0; i < most_nodes; ++i) {
        const auto& n = of.nodes[i];
        const std::uint32_t kind = n.kind.load(std::memory_order_acquire);
        if (kind == node::unused || kind > node::blocked)
            continue;
        p.nodes.push_back({i + 1, get(n.parent), kind, get(n.thread), get(n.since), get(n.task),
                           get(n.task) != 0 ? spell(get(n.label)) : std::string()});
    }
    return p;
}

} // namespace ferry::detail
