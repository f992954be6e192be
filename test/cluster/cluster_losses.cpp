// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A broker that is short of memory or of disk, or gone for long; a pool whose process ends; and
// hosts of two builds at once.
#define BOOST_TEST_MODULE cluster_losses
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

constexpr auto when_there_is_a_broker = needs_broker();

int note_and_double(const std::string& path, int x) {
    note(path);
    return 2 * x;
}

// Nothing that was under way is lost, and nothing runs twice, while the broker reads from nobody who
// publishes.
void block_and_unblock(const std::vector<std::string>& block,
                       const std::vector<std::string>& unblock) {
    test_broker broker;
    ferry::cluster_options at = broker.options();
    at.heartbeat = 2s; // longer than a busy machine may stop a process
    marker ran, go, later;
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto running = pool.submit(note_and_wait, ran.path(), go.path());
    BOOST_TEST_REQUIRE(eventually([&] { return running.running(); }));
    broker.control(block);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i != 20; ++i)
        all.push_back(pool.submit(note_and_double, later.path(), i));
    touch(go.path());
    BOOST_TEST(!running.wait_for(4 * *at.heartbeat.limit())); // a host would be missed by now
    BOOST_TEST(std::ranges::none_of(all, [](const auto& f) { return f.done(); }));
    broker.control(unblock);
    BOOST_TEST(running.result() == 1);
    for (int i = 0; i != 20; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result() == 2 * i);
    BOOST_TEST(notes(ran.path()) == 1u);
    BOOST_TEST(notes(later.path()) == 20u);
}

/// This program, as the linker would name another build of it.
class other_build {
public:
    other_build() : path_(file_.path()) {
        std::ifstream in("/proc/self/exe", std::ios::binary);
        std::string program{std::istreambuf_iterator<char>(in), {}};
        const std::string note("\3\0\0\0GNU\0", 8); // however long the linker makes its name
        const auto at = program.find(note);
        BOOST_REQUIRE(at != std::string::npos);
        program[at + note.size()] = static_cast<char>(program[at + note.size()] ^ 1);
        std::ofstream(path_, std::ios::binary) << program;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }
    const std::string& path() const noexcept { return path_; }

private:
    marker file_;
    const std::string path_;
};

} // namespace

// Ends: the broker, short of memory or disk
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_broker_that_is_short_of_memory_loses_nothing) {
    block_and_unblock({"set_vm_memory_high_watermark", "0"},
                      {"set_vm_memory_high_watermark", "0.6"});
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_broker_that_is_short_of_disk_loses_nothing) {
    block_and_unblock({"set_disk_free_limit", "1000000GB"}, {"set_disk_free_limit", "1MB"});
}

// Ends: the broker, for longer than `connect_limit`
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_broker_that_stays_away_fails_what_it_had) {
    test_broker broker;
    ferry::cluster_options at = broker.options();
    at.connect_limit = 2s;
    marker ran, go;
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto running = pool.submit(note_and_wait, ran.path(), go.path());
    BOOST_TEST_REQUIRE(eventually([&] { return running.running(); }));
    auto waits = pool.submit({.idempotent = true}, twice, 1);
    broker.kill();
    auto unsent = pool.submit({.idempotent = true}, twice, 2); // perhaps sent to nobody
    BOOST_CHECK_THROW(running.result(), ferry::worker_died);
    BOOST_CHECK_THROW(waits.result(), ferry::no_worker_error);
    BOOST_CHECK_THROW(unsent.result(), ferry::no_worker_error);
    touch(go.path());
}

// Ends: the pool's process
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(tasks_of_a_process_that_ended_still_run) {
    const auto at = own_application();
    marker first, second, go;
    const test_host host(at, 1);
    test_process submitter({"/proc/self/exe"},
                           {"FERRY_TEST_SUBMIT=" + at.url,
                            "FERRY_TEST_APPLICATION=" + at.application,
                            "FERRY_TEST_FIRST=" + first.path(),
                            "FERRY_TEST_SECOND=" + second.path(), "FERRY_TEST_GO=" + go.path()});
    BOOST_TEST_REQUIRE(eventually([&] { return notes(first.path()) == 1; }));
    ferry::cluster_pool pool(at);
    BOOST_TEST_REQUIRE(eventually([&] { return lines_of(second.path() + ".sent").size() == 1; }));
    submitter.end(SIGKILL);
    touch(go.path());
    BOOST_TEST(eventually([&] { return notes(second.path()) == 1; }));
    BOOST_TEST(pool.submit(twice, 2).result() == 4); // the dropped outcomes hold up nobody
    std::filesystem::remove(second.path() + ".sent");
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_task_runs_only_on_a_host_of_its_own_build) {
    const auto at = own_application();
    const other_build other;
    const test_host other_host(at, 1, {}, other.path());
    ferry::cluster_pool pool(at);
    std::string why;
    BOOST_TEST_REQUIRE(eventually([&] {
        try {
            pool.submit({.start_by = std::chrono::steady_clock::now() + 300ms}, twice, 1).result();
        } catch (const ferry::no_worker_error& e) {
            why = e.what();
        }
        return why.find("hosts have answered for") != std::string::npos;
    }));
    BOOST_TEST(why.find("no host serves") != std::string::npos, why);
    const test_host host(at, 1);
    BOOST_TEST(pool.submit(twice, 2).result() == 4);
    BOOST_TEST(pool.max_workers() == 1u); // of this build
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(builds_with_the_same_signatures_may_share_a_queue) {
    auto at = own_application();
    at.match = ferry::cluster_match::same_signature;
    const other_build other;
    const test_host host(at, 1, {}, other.path());
    ferry::cluster_pool pool(at);
    BOOST_TEST(pool.submit(twice, 2).result() == 4);
}

// Submits two tasks to the one worker there is, and waits for its end.
int submit_and_wait(const char* url) {
    ferry::allow_remote<note_and_wait>();
    ferry::allow_remote<twice>();
    ferry::cluster_options at;
    at.url = url;
    at.password = [] { return std::string("secret"); };
    at.application = std::getenv("FERRY_TEST_APPLICATION");
    at.heartbeat = 500ms;
    const std::string second = std::getenv("FERRY_TEST_SECOND");
    const std::string go = std::getenv("FERRY_TEST_GO");
    ferry::cluster_pool pool(at);
    auto f = pool.submit(note_and_wait, std::string(std::getenv("FERRY_TEST_FIRST")), go);
    while (!f.running())
        std::this_thread::sleep_for(1ms);
    auto g = pool.submit(note_and_wait, second, go);
    // It is published behind that, and expires, since the worker is busy.
    auto behind = pool.submit({.start_by = std::chrono::steady_clock::now() + 3s}, twice, 1);
    behind.wait();
    note(second + ".sent");
    g.wait();
    return 0;
}

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    if (const char* const url = std::getenv("FERRY_TEST_SUBMIT"))
        return submit_and_wait(url);
    return run_cluster_tests<twice, note_and_wait, note_and_double>(argc, argv);
}
