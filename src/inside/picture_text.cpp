// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "picture_text.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>

namespace ferry::detail {
namespace {

constexpr std::size_t most_lines = 50; // of the queue of a pool

std::string formatted(const char* format, auto... values) {
    std::array<char, 64> text;
    return {text.data(),
            static_cast<std::size_t>(std::snprintf(text.data(), text.size(), format, values...))};
}
std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text;
}
std::string left_padded(const std::string& text, std::size_t width) {
    return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}
std::uint64_t age(const picture& p, std::uint64_t since) {
    return p.now > since ? p.now - since : 0;
}
std::string count(std::uint64_t n, const char* what) {
    return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
}

std::size_t running(const picture::pool& pool) {
    return static_cast<std::size_t>(
        std::ranges::count_if(pool.workers, [](const auto& w) { return !w.label.empty(); }));
}

/// Where a task is: in which pool, and in which state.
class task_places {
public:
    explicit task_places(const picture& p) {
        for (const auto& pool : p.pools) {
            for (const auto& t : pool.waiting)
                places_[t.id] =
                    "queued in " + printable(pool.name) + " for " + readable(age(p, t.since));
            for (const auto& w : pool.workers) {
                if (w.task != 0 && !w.label.empty()) {
                    places_[w.task] = "running in " + printable(pool.name) + " on worker " +
                                      std::to_string(w.number) + " for " +
                                      readable(age(p, w.since));
                    threads_[w.thread] = w.task;
                }
            }
        }
    }
    std::string operator()(std::uint64_t task) const {
        const auto at = places_.find(task);
        return at != places_.end() ? at->second : "elsewhere";
    }
    /// The task that a thread runs, or 0.
    std::uint64_t run_by(std::int32_t thread) const {
        const auto at = threads_.find(thread);
        return at != threads_.end() ? at->second : 0;
    }

private:
    std::map<std::uint64_t, std::string> places_;
    std::map<std::int32_t, std::uint64_t> threads_;
};

const char* name_of_kind(std::uint32_t kind) {
    switch (kind) {
    case recording::node::run: return "run";
    case recording::node::gather: return "gather";
    case recording::node::group: return "task group";
    case recording::node::wait_for: return "wait_for";
    case recording::node::context: return "with";
    case recording::node::child: return "child";
    case recording::node::await: return "awaits";
    default: return "waits in result() for";
    }
}

/// Draws the nodes below their parents. What a worker's task waits for is below the worker.
class tree {
public:
    explicit tree(const picture& p) : picture_(p), places_(p) {
        for (const auto& n : p.nodes) {
            const bool of_worker =
                n.kind == recording::node::blocked && places_.run_by(n.thread) != 0;
            const bool has_parent = n.parent != n.number && p.find_node(n.parent) != nullptr;
            if (of_worker)
                of_threads_[n.thread].push_back(&n);
            else if (has_parent)
                children_[n.parent].push_back(&n);
            else
                roots_.push_back(&n);
        }
    }

    std::string text() {
        for (const auto* n : roots_)
            draw(*n, "", "");
        // A record that was reused meanwhile may point in a circle.
        for (const auto& n : picture_.nodes) {
            if (!drawn_.contains(n.number) && n.kind != recording::node::blocked)
                draw(n, "", "");
        }
        for (const auto& pool : picture_.pools) {
            out_ += "pool " + printable(pool.name) + ": " + std::to_string(running(pool)) +
                    " running, " + std::to_string(pool.queued) + " queued\n";
            std::vector<const picture::worker*> busy;
            for (const auto& w : pool.workers) {
                if (!w.label.empty())
                    busy.push_back(&w);
            }
            for (const auto* w : busy)
                draw(*w, w == busy.back());
        }
        return std::move(out_);
    }

private:
    void draw(const picture::worker& w, bool last) {
        out_ += std::string(last ? "└─ " : "├─ ") + "worker " + std::to_string(w.number) +
                " runs '" + printable(w.label) + "' for " + readable(age(picture_, w.since)) + '\n';
        draw_children(of_threads_[w.thread], last ? "   " : "│  ");
    }
    void draw_children(const std::vector<const picture::node*>& children,
                       const std::string& indent) {
        for (const auto* c : children) {
            const bool last = c == children.back();
            draw(*c, indent + (last ? "└─ " : "├─ "), indent + (last ? "   " : "│  "));
        }
    }
    void draw(const picture::node& n, const std::string& first, const std::string& rest) {
        if (!drawn_.insert(n.number).second)
            return;
        out_ += first + name_of_kind(n.kind);
        const auto& children = children_[n.number];
        const auto scopes = {recording::node::gather, recording::node::group};
        if (std::ranges::find(scopes, n.kind) != scopes.end())
            out_ += " of " + std::to_string(children.size());
        if (n.task != 0)
            out_ += " '" + printable(n.label) + "', " + places_(n.task);
        else if (n.kind == recording::node::run)
            out_ += " in thread " + std::to_string(n.thread);
        if (n.kind == recording::node::child && children.empty())
            out_ += " (runs, or waits for what is not Ferry's)";
        out_ += ", since " + readable(age(picture_, n.since)) + '\n';
        draw_children(children, rest);
    }

    const picture& picture_;
    const task_places places_;
    std::map<std::uint32_t, std::vector<const picture::node*>> children_;
    std::map<std::int32_t, std::vector<const picture::node*>> of_threads_;
    std::vector<const picture::node*> roots_;
    std::set<std::uint32_t> drawn_;
    std::string out_;
};

std::string hidden(const picture& p) {
    std::string text;
    if (p.hidden_pools != 0) {
        text += '(';
        text += count(p.hidden_pools, "pool");
        text += " more, for which there was no record)\n";
    }
    return text;
}

} // namespace

std::string readable(std::uint64_t ns) {
    if (ns < 1'000'000)
        return std::to_string(ns / 1000) + " us";
    if (ns < 1'000'000'000)
        return formatted("%llu.%llu ms", ns / 1'000'000ULL, ns / 100'000ULL % 10);
    const std::uint64_t s = ns / 1'000'000'000;
    if (s < 60)
        return formatted("%llu.%llu s", s + 0ULL, ns / 100'000'000ULL % 10);
    if (s < 3600)
        return formatted("%llu:%02llu", s / 60ULL, s % 60ULL);
    return formatted("%llu:%02llu:%02llu", s / 3600ULL, s / 60ULL % 60, s % 60ULL);
}

std::string printable(std::string_view text) {
    std::string clean = valid_utf8(text);
    for (std::size_t i = 0; i < clean.size(); ++i) {
        const auto c = static_cast<unsigned char>(clean[i]);
        const bool upper =
            c == 0xc2 && i + 1 < clean.size() && static_cast<unsigned char>(clean[i + 1]) < 0xa0;
        if (c < 0x20 || c == 0x7f)
            clean[i] = ' ';
        else if (upper) // the control characters from U+0080 on
            clean.replace(i, 2, "  ");
    }
    return clean;
}

std::string ps_text(const picture& p) {
    std::string out =
        "process " + std::to_string(p.pid) + ": " + count(p.pools.size(), "pool") + '\n';
    for (const auto& pool : p.pools) {
        out += "\npool " + printable(pool.name) +
               (pool.kind == recording::pool::cluster     ? " (cluster): "
                : pool.kind == recording::pool::processes ? " (processes): "
                                                          : " (threads): ") +
               std::to_string(pool.workers.size()) + " of " + count(pool.max_workers, "worker") +
               ", " + std::to_string(running(pool)) + " running, " + std::to_string(pool.queued) +
               " queued\n";
        out += "  STATE    AGE         WORKER  LABEL\n";
        for (const auto& w : pool.workers) {
            if (!w.label.empty())
                out += "  running  " + padded(readable(age(p, w.since)), 12) +
                       padded(std::to_string(w.number), 8) + printable(w.label) + '\n';
        }
        std::uint64_t told = 0;
        for (const auto& t : pool.waiting) {
            if (told == most_lines || told == pool.queued)
                break;
            ++told;
            out += "  queued   " + padded(readable(age(p, t.since)), 12) + padded("-", 8) +
                   printable(t.label) + '\n';
        }
        if (pool.queued > told)
            out += "  (" + std::to_string(pool.queued - told) + " more queued)\n";
    }
    const task_places places(p);
    std::string awaited;
    for (const auto& n : p.nodes) {
        if (n.task != 0)
            awaited += "  awaited  " + padded(readable(age(p, n.since)), 12) + padded("-", 8) +
                       printable(n.label) + ", " + places(n.task) + ", by thread " +
                       std::to_string(n.thread) + '\n';
    }
    if (!awaited.empty())
        out += "\nawaited\n" + awaited;
    return out + hidden(p);
}

std::string pstree_text(const picture& p) {
    return "process " + std::to_string(p.pid) + '\n' + tree(p).text() + hidden(p) +
           "(coroutine frames between Ferry's own points, and tasks beyond the sample of a busy "
           "pool, "
           "cannot be seen)\n";
}

std::string watch_text(const picture& p, const picture& before) {
    std::string out = "process " + std::to_string(p.pid) + '\n' +
                      "POOL                WORKERS  RUNNING   QUEUED  TASKS/S  FAILED/S  LONGEST\n";
    const double seconds = static_cast<double>(p.now - std::min(before.now, p.now)) / 1e9;
    const auto sums = [](const picture& of, const std::string& name) {
        std::array<std::uint64_t, 2> s{};
        for (const auto& pool : of.pools) {
            if (pool.name != name)
                continue;
            for (const auto& w : pool.workers) {
                s[0] += w.completed + w.failed;
                s[1] += w.failed;
            }
        }
        return s;
    };
    for (const auto& pool : p.pools) {
        const auto now = sums(p, pool.name), old = sums(before, pool.name);
        const auto rate = [&](std::size_t i) {
            const std::uint64_t more = now[i] > old[i] ? now[i] - old[i] : 0;
            return seconds > 0 ? formatted("%.0f", static_cast<double>(more) / seconds)
                               : std::string("-");
        };
        std::uint64_t longest = 0;
        for (const auto& w : pool.workers) {
            if (!w.label.empty())
                longest = std::max(longest, age(p, w.since));
        }
        out += padded(printable(pool.name), 20) +
               left_padded(std::to_string(pool.workers.size()), 7) +
               left_padded(std::to_string(running(pool)), 9) +
               left_padded(std::to_string(pool.queued), 9) + left_padded(rate(0), 9) +
               left_padded(rate(1), 10) + "  " + (longest != 0 ? readable(longest) : "-") + '\n';
    }
    return out + hidden(p);
}

} // namespace ferry::detail
