// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

/// Explores all interleavings of a protocol. A model has a `state`, a small trivial struct, whose
/// threads take steps: each is at most one operation that other threads can observe, so sequential
/// consistency is what is explored.
namespace model {

/// A step that a thread can take.
template <class State>
struct step {
    State to;
    unsigned thread = 0;
    const char* name = "";
    bool waits_for_time = false; ///< such as a timeout, which need never come
};

struct verdict {
    std::size_t states = 0;
    std::string fault;    ///< empty if there is none
    std::string schedule; ///< the steps that lead there
};

/// Goes through every state that can be reached from `m.initial()`, depth first, each once. A model
/// gives the steps from a state with `m.steps(state, out)` and says with `m.fault(state, at_rest)`
/// what is wrong in it. A state is at rest when nothing but time can change it.
template <class Model>
verdict explore(const Model& m) {
    using state = typename Model::state;
    static_assert(std::has_unique_object_representations_v<state>); // its bytes are its value
    struct hash {
        std::size_t operator()(const state& s) const noexcept {
            return std::hash<std::string_view>()({reinterpret_cast<const char*>(&s), sizeof s});
        }
    };
    struct frame {
        std::vector<step<state>> steps;
        std::size_t next = 0;
    };
    std::unordered_set<state, hash> seen;
    std::vector<frame> path;
    verdict v;
    const auto enter = [&](const state& s) {
        frame f;
        m.steps(s, f.steps);
        bool at_rest = true;
        for (const auto& x : f.steps)
            at_rest = at_rest && x.waits_for_time;
        v.fault = m.fault(s, at_rest);
        path.push_back(std::move(f));
    };
    seen.insert(m.initial());
    enter(m.initial());
    while (v.fault.empty() && !path.empty()) {
        frame& top = path.back();
        if (top.next == top.steps.size()) {
            path.pop_back();
            continue;
        }
        const state to = top.steps[top.next++].to;
        if (seen.insert(to).second)
            enter(to);
    }
    v.states = seen.size();
    for (const frame& f : path) {
        if (f.next != 0) {
            const auto& x = f.steps[f.next - 1];
            v.schedule += "\n  " + std::to_string(x.thread) + ": " + x.name;
        }
    }
    return v;
}

} // namespace model
