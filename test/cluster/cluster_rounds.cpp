// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Rounds of tasks while hosts, their workers and connections are ended or stopped at random: no
// result is wrong, no wait goes on forever, and nothing runs twice that may not. The environment
// variable FERRY_ROUNDS says how many rounds: otherwise fifty, and half of it under each sanitizer,
// which is a hundred before a merge.
#define BOOST_TEST_MODULE cluster_rounds
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/proxy.hpp"
#include "helpers/sanitized.hpp"

#include <array>
#include <memory>
#include <random>
#include <set>

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

constexpr auto when_there_is_a_broker = needs_broker();

// One line for each start.
int note_and_double(const std::string& path, int x) {
    note(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(x % 7)); // so that it can be met at work
    return 2 * x;
}
std::size_t number_of_rounds() {
    const char* const text = std::getenv("FERRY_ROUNDS");
    return text != nullptr ? static_cast<std::size_t>(std::atol(text)) : FERRY_SANITIZED ? 25 : 50;
}

struct task {
    ferry::future<int> future;
    marker file;
    int x = 0;
    bool idempotent = false;
};

} // namespace

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(random_faults_lose_no_more_than_they_may) {
    constexpr unsigned attempts = 3;
    test_proxy proxy(shared_broker()->port());
    ferry::cluster_options at = own_application();
    at.heartbeat = 300ms;
    auto through = at;
    through.url = "amqp://ferry@127.0.0.1:" + std::to_string(proxy.port()) + "/";
    std::array<std::unique_ptr<test_host>, 2> hosts;
    for (auto& h : hosts)
        h = std::make_unique<test_host>(through, 2);
    std::mt19937 random(7);
    std::size_t results = 0;
    std::size_t deaths = 0;
    std::set<unsigned> faults;
    {
        ferry::cluster_pool pool(at);
        ferry::cluster_pool cut_pool(through);
        for (std::size_t round = 0; round != number_of_rounds(); ++round) {
            std::array<task, 12> tasks;
            for (task& t : tasks) {
                t.x = static_cast<int>(random() % 1000);
                t.idempotent = random() % 2 == 0;
                t.future = (random() % 4 == 0 ? cut_pool : pool)
                               .submit({.idempotent = t.idempotent, .attempts = attempts},
                                       note_and_double, t.file.path(), t.x);
            }
            if (random() % 2 == 0)
                tasks[random() % tasks.size()].future.wait(); // so that it happens in the middle
            const std::size_t victim = random() % hosts.size();
            bool is_gone = false;
            const unsigned fault = random() % 6;
            faults.insert(fault);
            switch (fault) {
            case 0:
            case 1:
                hosts[victim]->process().end(fault == 0 ? SIGKILL : SIGTERM);
                is_gone = true;
                break;
            case 2: // now and then for so long that it is missed
                hosts[victim]->process().signal(SIGSTOP);
                std::this_thread::sleep_for(
                    std::chrono::milliseconds(random() % (random() % 4 == 0 ? 1500 : 100)));
                hosts[victim]->process().signal(SIGCONT);
                break;
            case 3: proxy.cut(random() % 5000); break;
            case 4:
                for (const int worker : children_of(hosts[victim]->pid()))
                    ::kill(worker, SIGKILL);
                break;
            default: break;
            }
            if (is_gone)
                hosts[victim] = std::make_unique<test_host>(through, 2);
            for (task& t : tasks) {
                BOOST_TEST_REQUIRE(t.future.wait_for(patience));
                const std::size_t n = notes(t.file.path());
                BOOST_TEST(n <= (t.idempotent ? attempts : 1U));
                try {
                    BOOST_TEST(t.future.result() == 2 * t.x);
                    ++results;
                } catch (const ferry::worker_died&) {
                    ++deaths;
                }
            }
        }
        BOOST_TEST(pool.stats().queued == 0);
        BOOST_TEST(pool.stats().running == 0);
    }
    BOOST_TEST_MESSAGE(results << " results, " << deaths << " tasks died");
    // On a machine that stops hosts for a beat or two many a task dies, but not most of them.
    BOOST_TEST(results > number_of_rounds());
    BOOST_TEST((faults.size() == 6 || number_of_rounds() < 25));
}

int main(int argc, char** argv) { return run_cluster_tests<note_and_double>(argc, argv); }
