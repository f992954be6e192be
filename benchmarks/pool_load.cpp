// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_load.hpp"

#include "resident_bytes.hpp"

#include <ferry/ferry.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

void compute(std::uint64_t rounds) {
    std::uint64_t x = rounds;
    for (std::uint64_t i = 0; i < rounds; ++i)
        x = x * 6364136223846793005U + 1442695040888963407U;
    [[maybe_unused]] const volatile std::uint64_t result = x; // or the loop would go
}

/// How many rounds take a millisecond here, undisturbed.
double rounds_per_ms() {
    constexpr std::uint64_t rounds = 1'000'000;
    nanoseconds best = nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
        const auto start = steady::now();
        compute(rounds);
        best = std::min<nanoseconds>(best, steady::now() - start);
    }
    return rounds * 1e6 / static_cast<double>(best.count());
}

/// One after the other, a task and its successor. Only the task that runs touches it.
class chain {
public:
    chain(ferry::thread_pool& pool, const task_body& task, const std::atomic<bool>& over,
          std::latch& ended)
        : pool_(pool), task_(task), over_(over), ended_(ended) {}

    void go_on() {
        submitted_ = steady::now();
        pool_.submit([this] { run(); });
    }
    const std::vector<nanoseconds>& latencies() const noexcept { return latencies_; }
    /// What stopped it, or null.
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    void run() {
        try {
            if (!over_) {
                task_();
                if (!over_)
                    latencies_.push_back(steady::now() - submitted_);
                go_on();
                return;
            }
        } catch (...) {
            error_ = std::current_exception();
        }
        ended_.count_down();
    }

    ferry::thread_pool& pool_;
    const task_body& task_;
    const std::atomic<bool>& over_;
    std::latch& ended_;
    steady::time_point submitted_;
    std::vector<nanoseconds> latencies_;
    std::exception_ptr error_;
};

} // namespace

task_body waiting_task(nanoseconds how_long) {
    return [how_long] { std::this_thread::sleep_for(how_long); };
}

task_body computing_task(nanoseconds how_long) {
    const double rounds = rounds_per_ms() * static_cast<double>(how_long.count()) / 1e6;
    return [rounds] { compute(static_cast<std::uint64_t>(rounds)); };
}

task_body reading_task(std::string path) {
    return [path = std::move(path)] {
        std::array<char, 65536> buffer;
        std::ifstream in(path, std::ios::binary);
        if (!in)
            throw std::system_error(errno, std::generic_category(), path);
        while (in.read(buffer.data(), buffer.size()) || in.gcount() != 0)
            continue;
    };
}

temporary_file::temporary_file(std::size_t bytes)
    : path_((std::filesystem::temp_directory_path() / "ferry_XXXXXX").string()) {
    const int fd = ::mkstemp(path_.data());
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "cannot create " + path_);
    ::close(fd);
    std::ofstream out(path_, std::ios::binary);
    const std::string block(1024, 'x');
    for (std::size_t left = bytes; left != 0 && out; left -= std::min(left, block.size()))
        out.write(block.data(), static_cast<std::streamsize>(std::min(left, block.size())));
    if (!out.flush()) {
        const int error = errno;
        std::filesystem::remove(path_);
        throw std::system_error(error, std::generic_category(), "cannot write " + path_);
    }
}

temporary_file::~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

load_point measure_load(const task_body& task, std::size_t size, std::size_t in_flight,
                        nanoseconds how_long) {
    std::atomic<bool> over{false};
    std::latch ended(static_cast<std::ptrdiff_t>(in_flight));
    std::vector<chain> chains;
    chains.reserve(in_flight);
    load_point point{.size = size};
    double seconds = 0;
    {
        ferry::thread_pool pool(size);
        for (std::size_t i = 0; i < in_flight; ++i)
            chains.emplace_back(pool, task, over, ended);
        const auto start = steady::now();
        for (chain& c : chains)
            c.go_on();
        std::this_thread::sleep_until(start + how_long);
        over = true;
        seconds = std::chrono::duration<double>(steady::now() - start).count();
        point.threads = pool.stats().workers;
        point.resident = resident_bytes();
        ended.wait();
    }
    std::vector<nanoseconds> all;
    for (const chain& c : chains) {
        if (c.error())
            std::rethrow_exception(c.error());
        all.insert(all.end(), c.latencies().begin(), c.latencies().end());
    }
    std::ranges::sort(all);
    point.throughput = static_cast<double>(all.size()) / seconds;
    if (!all.empty()) {
        point.median = all[all.size() / 2];
        point.p95 = all[all.size() * 95 / 100];
    }
    return point;
}
