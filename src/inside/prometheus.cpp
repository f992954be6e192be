// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "prometheus.hpp"

#include "label_table.hpp"
#include "utf8.hpp"

#include <ferry/metrics.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <ostream>
#include <set>
#include <utility>

namespace ferry {
namespace detail {
namespace {

std::string number(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}
std::string number(std::uint64_t value) { return std::to_string(value); }
double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

/// A pool's or a label's figures, with the labels of its series.
struct series {
    std::string labels; // as they stand between the braces
    pool_stats stats;
};

class writer {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        ((((text_ += "# HELP ") += name) += ' ') += help) += '\n';
        ((((text_ += "# TYPE ") += name) += ' ') += type) += '\n';
    }
    template <class V>
    void sample(std::string_view labels, V value, std::string_view suffix = {}) {
        (text_ += name_) += suffix;
        if (!labels.empty())
            ((text_ += '{') += labels) += '}';
        ((text_ += ' ') += number(value)) += '\n';
    }
    /// The histogram of a sample, as if all `tasks` had been measured. Limits are of the buckets'
    /// upper ends. Nothing where none was measured, since it would say that all took forever.
    void histogram_of(const std::string& labels, const histogram& h, std::uint64_t tasks) {
        const std::uint64_t measured = h.count();
        if (measured == 0 && tasks != 0)
            return;
        const double scale =
            measured != 0 ? static_cast<double>(tasks) / static_cast<double>(measured) : 0;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i + 1 < histogram::buckets; ++i) {
            seen += h[i];
            const auto scaled =
                static_cast<std::uint64_t>(std::llround(static_cast<double>(seen) * scale));
            sample(labels + ",le=\"" + number(seconds(histogram::limit(i))) + '"',
                   std::min(scaled, tasks), "_bucket");
        }
        sample(labels + ",le=\"+Inf\"", tasks, "_bucket");
        sample(labels, seconds(h.sum()) * scale, "_sum");
        sample(labels, tasks, "_count");
    }
    template <class F>
    void each(const std::vector<series>& all, std::string_view name, std::string_view type,
              std::string_view help, F value) {
        if (all.empty())
            return;
        family(name, type, help);
        for (const series& s : all)
            sample(s.labels, value(s));
    }

    std::string take() && { return std::move(text_); }

private:
    std::string text_, name_;
};

std::uint64_t ended(const pool_stats& s) { return s.completed + s.failed; }
std::uint64_t all_tasks(const pool_stats& s) {
    return ended(s) + s.cancelled + s.queued + s.running;
}

void add(pool_stats& to, const pool_stats& s) {
    to.queued += s.queued;
    to.running += s.running;
    to.completed += s.completed;
    to.failed += s.failed;
    to.cancelled += s.cancelled;
    to.queue_wait.add(s.queue_wait);
    to.run_time.add(s.run_time);
}

// Those with the most tasks, and the rest as one; spelled as they are written, under which two may
// meet.
std::map<std::string, pool_stats> most_important(const pool_figures& pool, std::size_t most) {
    using label = std::pair<const std::string, pool_stats>;
    std::vector<const label*> order;
    order.reserve(pool.by_label.size());
    for (const label& l : pool.by_label)
        order.push_back(&l);
    std::ranges::sort(order, [](const label* a, const label* b) {
        const auto x = all_tasks(a->second), y = all_tasks(b->second);
        return x != y ? x > y : a->first < b->first;
    });
    std::map<std::string, pool_stats> kept;
    for (const label* const l : order) {
        const bool own = most != 0 && l->first != label_registry::other;
        most -= own ? 1 : 0;
        add(kept[prometheus_label(own ? std::string_view(l->first) : label_registry::other)],
            l->second);
    }
    return kept;
}

// Names that no other one has, in the order of the objects.
template <class Objects, class Name>
std::vector<std::string> unique_names(const Objects& objects, Name name_of) {
    std::vector<std::string> names;
    std::set<std::string> used;
    for (const auto& o : objects) {
        const std::string plain = valid_utf8(name_of(o));
        std::string name = plain;
        for (std::size_t n = 2; !used.insert(name).second; ++n)
            name = plain + '#' + std::to_string(n);
        names.push_back(std::move(name));
    }
    return names;
}

void write_pools(writer& out, const all_figures& figures, std::size_t max_labels) {
    std::vector<series> pools, labels;
    const auto names = unique_names(figures.pools, [](const pool_figures& p) { return p.name; });
    const auto of_pool = [&](std::size_t i) { return "pool=" + prometheus_label(names[i]); };
    for (std::size_t i = 0; i < names.size(); ++i) {
        pools.push_back({of_pool(i), figures.pools[i].all});
        for (auto& [label, stats] : most_important(figures.pools[i], max_labels))
            labels.push_back({of_pool(i) + ",label=" + label, stats});
    }
    if (pools.empty())
        return;
    out.family("ferry_pool_max_workers", "gauge", "Maximum number of workers.");
    for (std::size_t i = 0; i < names.size(); ++i)
        out.sample(pools[i].labels, static_cast<std::uint64_t>(figures.pools[i].max_workers));
    const auto gauge = [&](const std::vector<series>& of, std::string_view name,
                           std::string_view help, std::size_t pool_stats::* member) {
        out.each(of, name, "gauge", help,
                 [member](const series& s) { return static_cast<std::uint64_t>(s.stats.*member); });
    };
    const auto counter = [&](const std::vector<series>& of, std::string_view name,
                             std::string_view help, std::uint64_t pool_stats::* member) {
        out.each(of, name, "counter", help, [member](const series& s) { return s.stats.*member; });
    };
    const auto times = [&](const std::vector<series>& of, std::string_view name,
                           std::string_view help, histogram pool_stats::* member) {
        if (of.empty())
            return;
        out.family(name, "histogram", help);
        for (const series& s : of)
            out.histogram_of(s.labels, s.stats.*member, ended(s.stats));
    };
    gauge(pools, "ferry_pool_workers", "Workers that have started and not ended.",
          &pool_stats::workers);
    gauge(pools, "ferry_pool_idle_workers", "Workers that run nothing.", &pool_stats::idle);
    gauge(pools, "ferry_pool_running", "Workers that run a task or a function.",
          &pool_stats::running);
    gauge(pools, "ferry_pool_queued_tasks", "Tasks neither started nor cancelled.",
          &pool_stats::queued);
    counter(pools, "ferry_pool_completed_tasks_total", "Tasks that ended with a value.",
            &pool_stats::completed);
    counter(pools, "ferry_pool_failed_tasks_total", "Tasks that ended with an exception.",
            &pool_stats::failed);
    counter(pools, "ferry_pool_cancelled_tasks_total", "Tasks that were cancelled.",
            &pool_stats::cancelled);
    times(pools, "ferry_pool_queue_wait_seconds", "Time from submit to start.",
          &pool_stats::queue_wait);
    times(pools, "ferry_pool_run_time_seconds", "Time from start to end.", &pool_stats::run_time);
    gauge(labels, "ferry_task_running", "Tasks of a label that run.", &pool_stats::running);
    gauge(labels, "ferry_task_queued", "Tasks of a label neither started nor cancelled.",
          &pool_stats::queued);
    counter(labels, "ferry_task_completed_total", "Tasks of a label that ended with a value.",
            &pool_stats::completed);
    counter(labels, "ferry_task_failed_total", "Tasks of a label that ended with an exception.",
            &pool_stats::failed);
    counter(labels, "ferry_task_cancelled_total", "Tasks of a label that were cancelled.",
            &pool_stats::cancelled);
    times(labels, "ferry_task_queue_wait_seconds",
          "Time from submit to start of the tasks of a label.", &pool_stats::queue_wait);
    times(labels, "ferry_task_run_time_seconds", "Time from start to end of the tasks of a label.",
          &pool_stats::run_time);

    if (std::ranges::all_of(figures.pools, [](const auto& p) { return p.processes.empty(); }))
        return;
    out.family("ferry_process_resident_memory_bytes", "gauge",
               "Resident memory of a worker process.");
    for (std::size_t i = 0; i < names.size(); ++i) {
        for (const auto& w : figures.pools[i].processes)
            out.sample(of_pool(i) + ",pid=\"" + std::to_string(w.pid) + '"', w.resident_bytes);
    }
}

void write_breakers(writer& out, const all_figures& figures, std::size_t most) {
    std::vector<std::pair<std::string, const breaker_figures*>> all;
    for (std::size_t i = 0; i < figures.breakers.size(); ++i) {
        std::set<std::string> seen; // two keys may be written alike
        for (const breaker_figures& b : figures.breakers[i]) {
            const std::string key = prometheus_label(b.key);
            if (seen.size() < most && seen.insert(key).second)
                all.emplace_back("registry=\"" + std::to_string(i) + "\",key=" + key, &b);
        }
    }
    if (all.empty())
        return;
    out.family("ferry_circuit_breaker_state", "gauge", "1 for the state that the circuit is in.");
    for (const auto& [labels, b] : all) {
        for (const char* const state : {"closed", "open", "half-open"})
            out.sample(labels + ",state=\"" + state + '"', std::uint64_t(b->state == state));
    }
    out.family("ferry_circuit_breaker_rejections_total", "counter", "Calls that were rejected.");
    for (const auto& [labels, b] : all)
        out.sample(labels, b->rejected);
    out.family("ferry_circuit_breaker_openings_total", "counter", "How often the circuit opened.");
    for (const auto& [labels, b] : all)
        out.sample(labels, b->opened);
}

void write_loops(writer& out, const all_figures& figures) {
    if (figures.loops.empty())
        return;
    const auto names = unique_names(figures.loops, [](const loop_figures& l) { return l.name; });
    out.family("ferry_loop_lag_seconds", "histogram",
               "Time that a function posted by the watch waits for its turn.");
    for (std::size_t i = 0; i < names.size(); ++i)
        out.histogram_of("loop=" + prometheus_label(names[i]), figures.loops[i].lag,
                         figures.loops[i].lag.count());
    out.family("ferry_loop_late_total", "counter", "Threads reported for blocking the loop.");
    for (std::size_t i = 0; i < names.size(); ++i)
        out.sample("loop=" + prometheus_label(names[i]), figures.loops[i].late);
}

} // namespace

std::string prometheus_label(std::string_view text) {
    std::string label(1, '"');
    for (const char c : valid_utf8(text)) {
        switch (c) {
        case '\\': label += "\\\\"; break;
        case '"': label += "\\\""; break;
        case '\n': label += "\\n"; break;
        default: label += c;
        }
    }
    return label += '"';
}

std::string prometheus_text(const all_figures& figures, std::size_t max_labels) {
    writer out;
    write_pools(out, figures, max_labels);
    write_breakers(out, figures, max_labels);
    write_loops(out, figures);
    return std::move(out).take();
}

} // namespace detail

void write_metrics(std::ostream& out, metrics_options options) {
    out << detail::prometheus_text(detail::observed_list::instance().read(), options.max_labels);
}

} // namespace ferry
