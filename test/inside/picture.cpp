// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "inside/picture.hpp"

#define BOOST_TEST_MODULE picture
#include <boost/test/unit_test.hpp>

#include "inside/chrome_trace.hpp"
#include "inside/picture_text.hpp"

#include <cstring>
#include <memory>

#include <sys/mman.h>

using namespace ferry::detail;
using recording::event;
using recording::layout;
using recording::node;

namespace {

// A recording that the test writes.
struct recorded {
    recorded()
        : file(static_cast<layout*>(::mmap(nullptr, sizeof(layout), PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
        BOOST_REQUIRE(file != MAP_FAILED);
        file->head.pid = 42;
    }
    ~recorded() { ::munmap(file, sizeof(layout)); }

    std::uint32_t name(const char* text, std::uint32_t kind = recording::name::text,
                       std::uint64_t address = 0) {
        auto& n = file->names[names];
        std::strcpy(n.characters, text);
        n.address = address;
        n.line = 7;
        n.kind = kind;
        return ++names;
    }
    void pool(std::uint32_t number, const char* name, std::uint64_t pushed = 0,
              std::uint64_t taken = 0) {
        auto& p = file->pools[number - 1];
        std::strcpy(p.name, name);
        p.max_workers = 2;
        p.pushed = pushed;
        p.taken = taken;
        p.kind = recording::pool::threads;
    }
    void worker(std::uint32_t record, std::uint32_t pool, std::int32_t thread, std::uint64_t task,
                std::uint32_t label, std::uint64_t since) {
        auto& w = file->workers[record - 1];
        w.number = record - 1;
        w.thread = thread;
        w.task = task;
        w.label = label;
        w.since = since;
        w.pool = pool;
    }
    void happens(std::uint32_t kind, std::uint64_t task, std::uint32_t label, std::uint64_t at,
                 std::int32_t thread = 1) {
        auto& p = file->pools[0];
        auto& e = file->events[0][p.events++ % recording::events_of_pool];
        e.task = task;
        e.label = label;
        e.thread = thread;
        e.kind = kind;
        e.at = at;
    }
    void waits(std::uint32_t number, std::uint32_t kind, std::uint32_t parent,
               std::uint64_t task = 0, std::uint32_t label = 0, std::int32_t thread = 1) {
        auto& n = file->nodes[number - 1];
        n.parent = parent;
        n.task = task;
        n.label = label;
        n.thread = thread;
        n.since = 1;
        n.kind = kind;
    }
    picture look(std::uint64_t now = 1'000'000'001) const {
        return take_picture(*file, now, [](std::uint64_t address) {
            return "function " + std::to_string(address);
        });
    }

    layout* const file;
    std::uint32_t names = 0;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(names_of_all_kinds_are_spelled) {
    recorded r;
    r.pool(1, "p");
    r.worker(1, 1, 5, 1, r.name("text"), 1);
    r.worker(2, 1, 6, 1, r.name("file.cpp", recording::name::place), 1);
    r.worker(3, 1, 7, 1, r.name("", recording::name::function, 99), 1);
    r.worker(4, 1, 8, 1, r.name("i", recording::name::type), 1);
    r.worker(5, 1, 9, 1, 4000, 1); // none of them
    r.worker(6, 1, 9, 1, 9999, 1); // outside
    const auto p = r.look();
    std::vector<std::string> labels;
    for (const auto& w : p.pools.at(0).workers)
        labels.push_back(w.label);
    BOOST_TEST(labels == (std::vector<std::string>{"text", "file.cpp:7", "function 99", "int", "",
                                                   "other"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_submitted_and_has_not_started_is_queued) {
    recorded r;
    r.pool(1, "p", 10, 8);
    r.file->pools[0].claimed = 1;
    const auto label = r.name("x");
    r.happens(event::submitted, 1, label, 100);
    r.happens(event::submitted, 2, label, 200);
    r.happens(event::submitted, 3, label, 300);
    r.happens(event::started, 1, label, 400);
    r.happens(event::cancelled, 2, label, 400);
    r.happens(event::submitted, 1, label, 500); // its memory is used again
    const auto p = r.look();
    const auto& pool = p.pools.at(0);
    BOOST_TEST(pool.queued == 1);
    BOOST_REQUIRE(pool.waiting.size() == 2);
    BOOST_TEST(pool.waiting[0].id == 3);
    BOOST_TEST(pool.waiting[1].since == 500);
}

BOOST_AUTO_TEST_CASE(events_that_are_being_written_are_left_out_and_old_ones_overwritten) {
    recorded r;
    r.pool(1, "p");
    for (std::uint64_t i = 0; i < recording::events_of_pool + 10; ++i)
        r.happens(event::submitted, i, 0, i + 1);
    r.file->events[0][20].at = 0;
    const auto events = r.look().pools.at(0).events;
    BOOST_REQUIRE(events.size() == recording::events_of_pool - 1);
    BOOST_TEST(events.front().at == 11);
    BOOST_TEST(events.back().at == recording::events_of_pool + 10);
}

BOOST_AUTO_TEST_CASE(a_damaged_recording_is_harmless) {
    recorded r;
    std::memset(static_cast<void*>(r.file), 0xff, offsetof(layout, events));
    std::memset(static_cast<void*>(r.file->events[0]), 0xff, sizeof r.file->events[0]);
    const auto p = r.look();
    BOOST_TEST(p.pools.empty() == false);
    static_cast<void>(ps_text(p));
    static_cast<void>(watch_text(p, p));
    for (std::uint32_t i = 0; i < 10; ++i)
        r.waits(i + 1, node::child, i == 0 ? 10 : i); // in a circle
    const std::string tree = pstree_text(r.look());
    BOOST_TEST(has(tree, "child"));
    static_cast<void>(chrome_trace(r.look()));
}

BOOST_AUTO_TEST_CASE(the_tree_has_what_waits_below_who_waits) {
    recorded r;
    r.pool(1, "disk", 2, 1);
    const auto load = r.name("load"), save = r.name("save");
    r.worker(1, 1, 9, 0x10, load, 500'000'000);
    r.happens(event::submitted, 0x20, save, 700'000'000);
    r.waits(1, node::run, 0);
    r.waits(2, node::gather, 1);
    r.waits(3, node::child, 2);
    r.waits(4, node::child, 2);
    r.waits(5, node::await, 3, 0x10, load);
    r.waits(6, node::blocked, 0, 0x20, save, 9); // by the worker
    BOOST_TEST(
        pstree_text(r.look()) ==
        "process 42\n"
        "run in thread 1, since 1.0 s\n"
        "└─ gather of 2, since 1.0 s\n"
        "   ├─ child, since 1.0 s\n"
        "   │  └─ awaits 'load', running in disk on worker 0 for 500.0 ms, since 1.0 s\n"
        "   └─ child (runs, or waits for what is not Ferry's), since 1.0 s\n"
        "pool disk: 1 running, 1 queued\n"
        "└─ worker 0 runs 'load' for 500.0 ms\n"
        "   └─ waits in result() for 'save', queued in disk for 300.0 ms, since 1.0 s\n"
        "(coroutine frames between Ferry's own points, and tasks beyond the sample of a busy pool, "
        "cannot be seen)\n");
}

BOOST_AUTO_TEST_CASE(the_list_counts_what_it_cannot_name) {
    recorded r;
    r.pool(1, "disk", 100, 1);
    r.happens(event::submitted, 1, r.name("known\x1b[2J"), 1);
    r.file->head.hidden_pools = 2;
    const std::string text = ps_text(r.look());
    BOOST_TEST(has(text, "queued   1.0 s       -       known [2J\n"), text);
    BOOST_TEST(has(text, "(98 more queued)"), text);
    BOOST_TEST(has(text, "(2 pools more"), text);
}

BOOST_AUTO_TEST_CASE(the_table_has_rates) {
    recorded r;
    r.pool(1, "disk");
    r.worker(1, 1, 9, 0, 0, 0);
    const auto before = r.look(1'000'000'000);
    r.file->workers[0].completed = 90;
    r.file->workers[0].failed = 10;
    const std::string text = watch_text(r.look(3'000'000'000), before);
    BOOST_TEST(has(text, "      50         5  -\n"), text);
}

BOOST_AUTO_TEST_CASE(the_trace_has_slices_and_arrows) {
    recorded r;
    r.pool(1, "a \"b\"");
    r.worker(1, 1, 9, 0, 0, 0);
    const auto label = r.name("load \xff\n");
    r.happens(event::submitted, 1, label, 1'000, 1);
    r.happens(event::started, 1, label, 3'500, 9);
    r.happens(event::completed, 1, label, 10'000, 9);
    r.happens(event::resumed, 1, label, 12'000, 1);
    const std::string text = chrome_trace(r.look());
    BOOST_TEST(has(text, R"({"ph":"X","name":"load \uffff)") == false);
    BOOST_TEST(has(text, "{\"ph\":\"X\",\"name\":\"load "
                         "\xef\xbf\xbd\\u000a\",\"cat\":\"run\",\"pid\":42,\"tid\":9,"
                         "\"ts\":3.500,\"dur\":6.500,\"args\":{\"pool\":\"a "
                         "\\\"b\\\"\",\"outcome\":\"completed\"}}"),
               text);
    BOOST_TEST(has(text, "{\"ph\":\"s\",\"name\":\"submitted\",\"cat\":\"flow\",\"pid\":42,\"tid\":"
                         "1,\"ts\":1.000,"),
               text);
    BOOST_TEST(has(text, "{\"ph\":\"f\",\"name\":\"resumed\",\"cat\":\"flow\",\"pid\":42,\"tid\":1,"
                         "\"ts\":12.000,"),
               text);
    BOOST_TEST(has(text, "worker 0 of a \\\"b\\\""), text);
    BOOST_TEST(!has(chrome_trace(r.look(), 20'000), "load"));
}

BOOST_AUTO_TEST_CASE(durations_are_readable) {
    BOOST_TEST(readable(999) == "0 us");
    BOOST_TEST(readable(12'345) == "12 us");
    BOOST_TEST(readable(3'400'000) == "3.4 ms");
    BOOST_TEST(readable(59'940'000'000) == "59.9 s");
    BOOST_TEST(readable(61'000'000'000) == "1:01");
    BOOST_TEST(readable(3'723'000'000'000) == "1:02:03");
}

BOOST_AUTO_TEST_CASE(a_label_cannot_move_the_cursor) {
    BOOST_TEST(printable("a\x1b[2J\n\x7f\xc2\x9b\xff\xc3\xa9") == "a [2J    \xef\xbf\xbd\xc3\xa9");
}
