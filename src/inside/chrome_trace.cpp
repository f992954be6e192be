// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "chrome_trace.hpp"

#include "utf8.hpp"

#include <cstdio>
#include <map>
#include <unordered_map>

namespace ferry::detail {
namespace {

using recording::event;

std::string json_string(std::string_view text) {
    std::string out(1, '"');
    for (const char c : valid_utf8(text)) {
        if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            out += code;
        } else {
            out += c;
        }
    }
    return out += '"';
}

std::string microseconds(std::uint64_t ns) {
    char text[40];
    std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(ns / 1000),
                  static_cast<unsigned long long>(ns % 1000));
    return text;
}

class writer {
public:
    explicit writer(const picture& p) : picture_(p) {}

    void pool(const picture::pool& pool, std::uint64_t from) {
        std::unordered_map<std::uint64_t, const picture::event*> submitted, started, ended;
        for (const auto& w : pool.workers)
            name_thread(w.thread, "worker " + std::to_string(w.number) + " of " + pool.name);
        for (const auto& e : pool.events) {
            if (e.at < from)
                continue;
            switch (e.kind) {
            case event::submitted:
                submitted[e.task] = &e;
                started.erase(e.task);
                ended.erase(e.task);
                slice(e, "submit " + e.label, "submit", e.at, 1000, pool, "");
                break;
            case event::started:
                started[e.task] = &e;
                if (const auto s = take(submitted, e.task)) {
                    queue(*s, e.at, pool);
                    arrow(*s, s->at, e, e.at, "submitted");
                }
                break;
            case event::completed:
            case event::failed:
                if (const auto s = take(started, e.task)) {
                    slice(*s, s->label, "run", s->at, e.at - s->at, pool,
                          e.kind == event::failed ? "failed" : "completed");
                    ended[e.task] = &e;
                }
                break;
            case event::cancelled:
                if (const auto s = take(submitted, e.task))
                    queue(*s, e.at, pool);
                slice(e, "cancel", "cancel", e.at, 1000, pool, "");
                break;
            case event::resumed:
                slice(e, "resume after " + e.label, "resume", e.at, 1000, pool, "");
                if (const auto s = take(ended, e.task))
                    arrow(*s, s->at - (s->at != 0), e, e.at, "resumed");
                break;
            default: break;
            }
        }
        for (const auto& [task, s] : started)
            slice(*s, s->label, "run", s->at, picture_.now > s->at ? picture_.now - s->at : 0, pool,
                  "still running");
        for (const auto& [task, s] : submitted)
            queue(*s, picture_.now, pool);
    }

    std::string take() {
        begin("M", "process_name", "__metadata", 0, 0);
        out_ += ",\"args\":{\"name\":\"ferry\"}}";
        for (const auto& [thread, name] : threads_) {
            begin("M", "thread_name", "__metadata", thread, 0);
            out_ += ",\"args\":{\"name\":" + json_string(name) + "}}";
        }
        return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + std::move(out_) + "\n]}\n";
    }

private:
    using events = std::unordered_map<std::uint64_t, const picture::event*>;

    static const picture::event* take(events& of, std::uint64_t task) {
        const auto node = of.extract(task);
        return node.empty() ? nullptr : node.mapped();
    }
    void name_thread(std::int32_t thread, std::string name) {
        if (thread != 0)
            threads_.insert_or_assign(thread, std::move(name));
    }
    // All but the end of the object.
    void begin(const char* phase, std::string_view name, const char* category, std::int32_t thread,
               std::uint64_t at) {
        out_ += std::string(out_.empty() ? "\n" : ",\n") + "{\"ph\":\"" + phase +
                "\",\"name\":" + json_string(name) + ",\"cat\":\"" + category +
                "\",\"pid\":" + std::to_string(picture_.pid) +
                ",\"tid\":" + std::to_string(thread) + ",\"ts\":" + microseconds(at);
    }
    void slice(const picture::event& of, std::string_view name, const char* category,
               std::uint64_t at, std::uint64_t duration, const picture::pool& pool,
               const char* outcome) {
        if (category != std::string_view("run"))
            threads_.try_emplace(of.thread, "thread " + std::to_string(of.thread));
        begin("X", name, category, of.thread, at);
        out_ +=
            ",\"dur\":" + microseconds(duration) + ",\"args\":{\"pool\":" + json_string(pool.name);
        if (*outcome != '\0')
            out_ += std::string(",\"outcome\":\"") + outcome + '"';
        out_ += "}}";
    }
    // Those of a pool lie beside each other, so they are no slices of a thread.
    void queue(const picture::event& s, std::uint64_t until, const picture::pool& pool) {
        const std::string id = std::to_string(++ids_);
        begin("b", s.label, "queue", s.thread, s.at);
        out_ += ",\"id\":" + id + ",\"args\":{\"pool\":" + json_string(pool.name) + "}}";
        begin("e", s.label, "queue", s.thread, std::max(until, s.at));
        out_ += ",\"id\":" + id + "}";
    }
    void arrow(const picture::event& a, std::uint64_t from, const picture::event& b,
               std::uint64_t to, const char* name) {
        const std::string id = std::to_string(++ids_);
        begin("s", name, "flow", a.thread, from);
        out_ += ",\"id\":" + id + "}";
        begin("f", name, "flow", b.thread, std::max(to, from));
        out_ += ",\"id\":" + id + ",\"bp\":\"e\"}";
    }

    const picture& picture_;
    std::string out_;
    std::map<std::int32_t, std::string> threads_;
    std::uint64_t ids_ = 0;
};

} // namespace

std::string chrome_trace(const picture& p, std::uint64_t from) {
    writer out(p);
    for (const auto& pool : p.pools)
        out.pool(pool, from);
    return out.take();
}

} // namespace ferry::detail
