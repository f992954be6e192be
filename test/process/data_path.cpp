// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The way of arguments and results: what it holds, who decodes, and who waits for whom.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE data_path
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <set>

#include <sys/resource.h>
#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

[[maybe_unused]] std::size_t length(const std::string& s) { return s.size(); }
std::vector<char> letters(std::size_t n) { return std::vector<char>(n, 'r'); }

std::size_t mapped_segments() {
    std::ifstream maps("/proc/self/maps");
    std::size_t n = 0;
    for (std::string line; std::getline(maps, line);)
        n += line.find("ferry-payload") != std::string::npos ? 1 : 0;
    return n;
}
/// Bytes of shared memory that are populated here.
std::size_t shared_bytes(int process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
        std::size_t kilobytes = 0;
        if (word == "RssShmem:" && status >> kilobytes)
            return kilobytes << 10;
    }
    return 0;
}

/// Decoding it in this process waits.
gate* decoding = nullptr;
std::atomic<int> inside = 0;
std::atomic<std::thread::id> decoded_in;
struct slow_to_decode {
    int n = 0;
    bool returned = false;
    template <class Archive>
    void save(Archive& ar) const {
        ar(n, returned);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(n, returned);
        if (!returned || decoding == nullptr)
            return;
        decoded_in = std::this_thread::get_id();
        ++inside;
        decoding->pass();
    }
};
slow_to_decode give_slow(int n) { return {n, true}; }

/// A callback of a task of the pool, in which the pool's thread for callbacks waits until this
/// ends.
class blocked_callback {
public:
    explicit blocked_callback(ferry::process_pool& pool) {
        const marker may_end;
        gate inside;
        pool.submit(when_touched, may_end.path()).add_done_callback([&](ferry::future<int>) {
            inside.open();
            go_on_.pass();
            left_.open();
        });
        touch(may_end.path());
        inside.pass();
    }
    ~blocked_callback() {
        go_on_.open();
        left_.pass();
    }

private:
    gate go_on_;
    gate left_;
};

} // namespace

BOOST_AUTO_TEST_CASE(descriptors_and_mappings_follow_the_workers_and_not_the_tasks) {
    ferry::process_pool pool(2);
    const marker go;
    const auto length_when_touched = [](const std::string& path, const std::string& s) {
        when_touched(path);
        return s.size();
    };
    pool.submit(triple, 1).result(patience);
    const std::size_t files = open_files();
    std::vector<ferry::future<std::size_t>> all;
    for (int i = 0; i < 500; ++i)
        all.push_back(pool.submit(length_when_touched, go.path(), std::string(70'000, 'x')));
    BOOST_TEST(open_files() <= files + 20);
    BOOST_TEST(mapped_segments() <= 12u);
    touch(go.path());
    for (auto& f : all)
        BOOST_TEST(f.result(patience) == 70'000u);
    BOOST_TEST(open_files() <= files + 20);
    BOOST_TEST(mapped_segments() <= 24u);
}

BOOST_AUTO_TEST_CASE(large_results_wait_for_no_callback) {
    ferry::process_pool pool(2);
    blocked_callback callback(pool);
    std::vector<ferry::future<std::vector<char>>> all;
    for (int i = 0; i < 300; ++i)
        all.push_back(pool.submit(letters, std::size_t(70'000)));
    for (auto& f : all)
        BOOST_TEST(f.result(patience).size() == 70'000u);
    // Nor does a future that has a callback itself.
    auto last = pool.submit(letters, std::size_t(100'000));
    last.add_done_callback([](auto&&) {});
    BOOST_TEST(last.result(patience).size() == 100'000u);
}

BOOST_AUTO_TEST_CASE(timeouts_deaths_and_coroutines_wait_for_no_callback) {
    ferry::process_pool pool({.max_workers = 2, .kill_grace = 100ms});
    blocked_callback callback(pool);
    BOOST_CHECK_THROW(pool.submit({.timeout = 20ms}, sleeping, 600'000).result(patience),
                      ferry::timeout_error);
    BOOST_CHECK_THROW(pool.submit([] { ::_exit(9); }).result(patience), ferry::worker_died);
    ferry::run([](ferry::process_pool& p) -> boost::asio::awaitable<void> {
        const auto dies = [] { ::_exit(9); };
        BOOST_TEST(co_await ferry::run_in_executor(p, triple, 2) == 6);
        bool died = false;
        try {
            co_await ferry::run_in_executor(p, dies);
        } catch (const ferry::worker_died&) {
            died = true;
        }
        BOOST_TEST(died);
        bool late = false;
        try {
            co_await ferry::wait_for(ferry::run_in_executor(p, sleeping, 600'000), 20ms);
        } catch (const ferry::timeout_error&) {
            late = true;
        }
        BOOST_TEST(late);
    }(pool));
    BOOST_TEST(pool.submit(triple, 3).result(patience) == 9);
}

BOOST_AUTO_TEST_CASE(a_callback_may_wait_for_a_large_result) {
    ferry::process_pool pool(1);
    ferry::promise<std::size_t> size;
    const marker may_end;
    std::thread::id thread;
    pool.submit(when_touched, may_end.path()).add_done_callback([&](ferry::future<int>) {
        thread = std::this_thread::get_id();
        size.set_value(pool.submit(letters, std::size_t(1 << 20)).result(patience).size());
    });
    touch(may_end.path());
    BOOST_TEST(size.get_future().result(patience) == 1u << 20);
    BOOST_TEST((thread != std::this_thread::get_id()));
}

// At any moment one of them may be on its way into a mapping for its worker.
BOOST_AUTO_TEST_CASE(large_arguments_that_wait_can_be_cancelled_at_any_moment) {
    constexpr std::size_t count = 40;
    for (int round = 0; round < 10; ++round) {
        ferry::process_pool pool(2);
        std::vector<ferry::future<std::size_t>> all;
        for (std::size_t i = 0; i < count; ++i)
            all.push_back(pool.submit([](const std::string& s) { return s.size(); },
                                      std::string(200'000 + i, 'x')));
        std::size_t cancelled = 0;
        for (std::size_t i = count; i-- != 0;)
            cancelled += i % 2 == 0 && all[i].cancel() ? 1 : 0;
        std::size_t values = 0;
        for (std::size_t i = 0; i < count; ++i) {
            BOOST_REQUIRE(all[i].wait_for(patience));
            try {
                BOOST_TEST(all[i].result() == 200'000 + i);
                ++values;
            } catch (const ferry::cancelled_error&) {
                BOOST_TEST(i % 2 == 0);
            }
        }
        BOOST_TEST(values + cancelled == count);
        pool.shutdown();
        const auto s = pool.stats();
        BOOST_TEST(s.queued == 0u);
        BOOST_TEST(s.completed == values);
        BOOST_TEST(s.cancelled == cancelled);
    }
}

BOOST_AUTO_TEST_CASE(a_callback_may_end_the_workers) {
    for (const bool gently : {true, false}) {
        ferry::process_pool pool(2);
        auto running = pool.submit(sleeping, 600'000);
        wait_for_worker_of(running, pool);
        ferry::promise<void> done;
        const marker may_end;
        std::thread::id thread;
        pool.submit(when_touched, may_end.path()).add_done_callback([&](ferry::future<int>) {
            thread = std::this_thread::get_id();
            gently ? pool.terminate_workers() : pool.kill_workers();
            done.set_value();
        });
        touch(may_end.path());
        BOOST_TEST(done.get_future().wait_for(patience));
        BOOST_TEST((thread != std::this_thread::get_id()));
        BOOST_CHECK_THROW(running.result(patience), ferry::worker_died);
    }
}

BOOST_AUTO_TEST_CASE(a_result_that_is_slow_to_decode_delays_nobody) {
    gate may_decode;
    decoding = &may_decode;
    inside = 0;
    {
        ferry::process_pool pool({.max_workers = 2, .kill_grace = 100ms});
        auto slow = pool.submit(give_slow, 1);
        BOOST_TEST(eventually([] { return inside == 1; }));
        auto other = pool.submit(give_slow, 2);
        BOOST_TEST(eventually([] { return inside == 2; })); // which is decoded beside it
        BOOST_TEST(pool.submit(triple, 5).result(patience) == 15);
        BOOST_TEST(pool.submit(letters, std::size_t(1 << 20)).result(patience).size() == 1u << 20);
        BOOST_CHECK_THROW(pool.submit({.timeout = 20ms}, sleeping, 600'000).result(patience),
                          ferry::timeout_error);
        BOOST_CHECK_THROW(pool.submit([] { ::_exit(9); }).result(patience), ferry::worker_died);
        BOOST_CHECK_THROW(pool.submit([] { throw std::range_error("r"); }).result(patience),
                          std::range_error);
        BOOST_TEST(!slow.done());
        may_decode.open();
        BOOST_TEST(slow.result(patience).n == 1);
        BOOST_TEST(other.result(patience).n == 2);
    }
    decoding = nullptr;
}

BOOST_AUTO_TEST_CASE(a_pool_waits_for_what_is_being_decoded) {
    gate may_decode;
    decoding = &may_decode;
    inside = 0;
    ferry::future<slow_to_decode> slow;
    std::jthread opener;
    {
        ferry::process_pool pool(1);
        slow = pool.submit(give_slow, 7);
        BOOST_TEST(eventually([] { return inside == 1; }));
        opener = std::jthread([&] { may_decode.open(); });
    }
    BOOST_TEST(slow.result(0s).n == 7);
    decoding = nullptr;
}

BOOST_AUTO_TEST_CASE(memory_of_the_largest_payload_is_given_back) {
    ferry::process_pool pool(1);
    const auto echo = [](std::string s) { return s; };
    const int worker = pool.submit([] { return static_cast<int>(::getpid()); }).result(patience);
    pool.submit(echo, std::string(100'000, 'x')).result(patience);
    const std::size_t here = shared_bytes(::getpid());
    const std::size_t there = shared_bytes(worker);
    pool.submit(echo, std::string(64 << 20, 'x')).result(patience);
    BOOST_TEST(eventually([&] { return shared_bytes(::getpid()) < here + (1 << 20); }));
    BOOST_TEST(eventually([&] { return shared_bytes(worker) < there + (1 << 20); }));
    // Also where small ones go on and on, without a pause.
    pool.submit(echo, std::string(64 << 20, 'x')).result(patience);
    BOOST_TEST(eventually([&] {
        for (int i = 0; i < 50; ++i)
            pool.submit(echo, std::string(100'000, 'x')).result(patience);
        return shared_bytes(::getpid()) < here + (2 << 20) &&
               shared_bytes(worker) < there + (2 << 20);
    }));
    BOOST_TEST(pool.submit([] { return static_cast<int>(::getpid()); }).result(patience) == worker);
}

BOOST_AUTO_TEST_CASE(a_long_run_of_large_results_needs_no_more_than_a_short_one) {
    ferry::process_pool pool(2);
    const auto round = [&] {
        std::vector<ferry::future<std::vector<char>>> all;
        for (int i = 0; i < 20; ++i)
            all.push_back(pool.submit(letters, std::size_t(100'000 + 1000 * i)));
        for (auto& f : all)
            f.result(patience);
    };
    for (int i = 0; i < 5; ++i)
        round();
    const std::size_t before = shared_bytes(::getpid());
    const std::size_t files = open_files();
    for (int i = 0; i < 50; ++i)
        round();
    BOOST_TEST(shared_bytes(::getpid()) <= before + (2 << 20));
    BOOST_TEST(open_files() <= files + 6);
}

#if !defined(__SANITIZE_ADDRESS__)
// The sanitizer itself needs descriptors.
BOOST_AUTO_TEST_CASE(no_large_payload_is_lost_where_descriptors_run_out) {
    ferry::process_pool pool(1);
    pool.submit(triple, 1).result(patience);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none); // not one more here, whatever is closed meanwhile
    auto result = pool.submit({.label = "result"}, letters, std::size_t(100'000));
    // Soon it is done and nobody can read that: it waits for nothing that a worker could do.
    BOOST_TEST(eventually([&] { return pool.stats().queued == 0; }));
    BOOST_TEST(eventually([&] { return pool.stats_by_label()["result"].queued == 0; }));
    BOOST_TEST(eventually([&] { return pool.stats().running == 0; }));
    BOOST_TEST(!result.done());
    auto argument = pool.submit(length, std::string(100'000, 'x'));
    BOOST_TEST(pool.stats().queued == 1u);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(result.result(patience).size() == 100'000u);
    BOOST_TEST(argument.result(patience) == 100'000u);
    // The same on the other side.
    pool.submit([] {
            rlimit limit{3, 0};
            ::getrlimit(RLIMIT_NOFILE, &limit);
            limit.rlim_cur = 3;
            ::setrlimit(RLIMIT_NOFILE, &limit);
            std::thread([limit]() mutable {
                std::this_thread::sleep_for(50ms); // long enough to be seen, never too short
                limit.rlim_cur = limit.rlim_max;
                ::setrlimit(RLIMIT_NOFILE, &limit);
            }).detach();
        })
        .result(patience);
    BOOST_TEST(pool.submit([](std::string s) { return s; }, std::string(1 << 20, 'y'))
                   .result(patience)
                   .size() == 1u << 20);
}
#endif
