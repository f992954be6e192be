// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// bench_process WORKLOAD IMPLEMENTATION [SCALE]: one sample as one line of JSON. Times are in
// nanoseconds, memory in bytes. `processes.py` has the same workloads for CPython.
#include <ferry/process.hpp>
#include <ferry/process_pool.hpp>

#include "median.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t workers = 2;

using values = std::vector<std::pair<std::string, double>>;

class stopwatch {
public:
    double ns() const {
        return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_)
            .count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// ---- What the workers run -----------------------------------------------------------------------

int increment(int n) { return n + 1; }
std::string echo(std::string s) { return s; }
ferry::shared_bytes echo_shared(ferry::shared_bytes b) { return b; }
int pid_after(int ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    return ::getpid();
}
std::uint64_t burn(std::uint64_t rounds) {
    std::uint64_t x = rounds;
    for (std::uint64_t i = 0; i < rounds; ++i)
        x = x * 6364136223846793005U + 1442695040888963407U;
    return x;
}
void spin() {
    for (volatile bool forever = true; forever;) {
    }
}

/// Makes sure that all workers run, and gives their process ids.
std::vector<int> start_all(ferry::process_pool& pool) {
    std::vector<int> pids;
    while (pids.size() < workers) {
        std::vector<ferry::future<int>> all;
        for (std::size_t i = 0; i < workers; ++i)
            all.push_back(pool.submit(pid_after, 20));
        pids.clear();
        for (auto& f : all)
            pids.push_back(f.result());
        std::ranges::sort(pids);
        pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    }
    return pids;
}

// ---- Workloads ----------------------------------------------------------------------------------

// P1: submit one, wait for it, repeat.
double round_trip(std::size_t n) {
    ferry::process_pool pool(workers);
    start_all(pool);
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        pool.submit(increment, static_cast<int>(i)).result();
    return watch.ns() / static_cast<double>(n);
}

// P2: submit trivial tasks, keep every future, then get every result.
double submit_all(std::size_t n) {
    ferry::process_pool pool(workers);
    start_all(pool);
    std::vector<ferry::future<int>> all;
    all.reserve(n);
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        all.push_back(pool.submit(increment, static_cast<int>(i)));
    for (auto& f : all)
        f.result();
    return watch.ns() / static_cast<double>(n);
}

double map_all(std::size_t n, std::size_t chunk) {
    ferry::process_pool pool(workers);
    start_all(pool);
    long sum = 0;
    const stopwatch watch;
    for (const int r :
         pool.map({.chunksize = chunk}, increment, std::views::iota(0, static_cast<int>(n))))
        sum += r;
    const double ns = watch.ns();
    const auto count = static_cast<long>(n);
    if (sum != count * (count + 1) / 2)
        std::abort();
    return ns / static_cast<double>(n);
}

// P3: a string there and back, or bytes that are not copied where they arrive, one after the other.
template <class Value>
double echo_all(Value (*echo)(Value), std::size_t n, std::size_t size) {
    ferry::process_pool pool(workers);
    start_all(pool);
    const Value text(std::string(size, 'x'));
    for (int i = 0; i < 2; ++i)
        pool.submit(echo, text).result();
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i) {
        if (pool.submit(echo, text).result().size() != size)
            std::abort();
    }
    return watch.ns() / static_cast<double>(n);
}

// P4: a new pool to its first result, and its end.
values start_and_stop() {
    values v;
    std::optional<ferry::process_pool> pool;
    const stopwatch start;
    pool.emplace(workers);
    pool->submit(increment, 1).result();
    v.emplace_back("p4", start.ns());
    const stopwatch stop;
    pool.reset();
    v.emplace_back("p4stop", stop.ns());
    return v;
}

// P5: how many times faster than in this process alone.
double speed_up(std::uint64_t rounds) {
    constexpr int tasks = 20;
    const stopwatch alone;
    std::uint64_t expected = 0;
    for (int i = 0; i < tasks; ++i)
        expected += burn(rounds);
    const double alone_ns = alone.ns();

    ferry::process_pool pool(workers);
    start_all(pool);
    const stopwatch together;
    std::vector<ferry::future<std::uint64_t>> all;
    for (int i = 0; i < tasks; ++i)
        all.push_back(pool.submit(burn, rounds));
    std::uint64_t sum = 0;
    for (auto& f : all)
        sum += f.result();
    if (sum != expected)
        std::abort();
    return alone_ns / together.ns();
}

// P6: the death of a busy worker until its future has failed; a new pool each time, as CPython
// needs one.
double time_to_failure(std::size_t n) {
    std::vector<double> times;
    for (std::size_t i = 0; i < n; ++i) {
        ferry::process_pool pool(1);
        const int pid = pool.submit(pid_after, 0).result();
        auto f = pool.submit(spin);
        std::this_thread::sleep_for(50ms);
        const stopwatch watch;
        ::kill(pid, SIGKILL);
        if (f.exception() == nullptr)
            std::abort();
        times.push_back(watch.ns());
    }
    return median(std::move(times));
}

// P7: the memory of an idle worker.
values memory_of_worker() {
    ferry::process_pool pool(workers);
    const int pid = start_all(pool).front();
    values v;
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string line; std::getline(file, line);) {
        for (const auto& [name, key] :
             {std::pair("p7dirty", "Private_Dirty:"), std::pair("p7pss", "Pss:")}) {
            if (line.starts_with(key))
                v.emplace_back(name, 1024.0 * std::stod(line.substr(std::strlen(key))));
        }
    }
    return v;
}

// ---- The floor: bytes to a process and back over a socket, and nothing else ---------------------

bool transfer(int fd, char* data, std::size_t size, bool out) {
    while (size != 0) {
        const ssize_t n = out ? ::write(fd, data, size) : ::read(fd, data, size);
        if (n <= 0)
            return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

double socket_echo(std::size_t n, std::size_t size) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        std::abort();
    for (const int fd : pair) {
        const int buffer = 4 << 20;
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    }
    std::string there(size, 'x');
    std::string back(size, '\0');
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pair[0]);
        while (transfer(pair[1], back.data(), size, false) &&
               transfer(pair[1], back.data(), size, true)) {
        }
        ::_exit(0);
    }
    ::close(pair[1]);
    const auto trip = [&] {
        if (!transfer(pair[0], there.data(), size, true) ||
            !transfer(pair[0], back.data(), size, false))
            std::abort();
    };
    for (int i = 0; i < 2; ++i)
        trip();
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        trip();
    const double ns = watch.ns() / static_cast<double>(n);
    ::close(pair[0]);
    ::waitpid(child, nullptr, 0);
    return ns;
}

// ---- The floor ----------------------------------------------------------------------------------

/// What an echo cannot do without, in one process and with all memory at hand: into the first
/// mapping, out of it, into the second one, out of it.
double copies(std::size_t n, std::size_t size) {
    std::vector<std::string> places(5, std::string(size, 'x'));
    const auto trip = [&] {
        for (std::size_t i = 1; i < places.size(); ++i) {
            std::memcpy(places[i].data(), places[i - 1].data(), size);
            asm volatile("" : : "r"(places[i].data()) : "memory"); // not to be left out
        }
    };
    trip();
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        trip();
    return watch.ns() / static_cast<double>(n);
}

/// P6 without a pool: a process that spins is killed, until the kernel tells its parent.
double time_to_pidfd(std::size_t n) {
    std::vector<double> times;
    for (std::size_t i = 0; i < n; ++i) {
        const pid_t child = ::fork();
        if (child == 0)
            spin();
        const int fd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
        if (child < 0 || fd < 0)
            std::abort();
        std::this_thread::sleep_for(50ms);
        pollfd end{fd, POLLIN, 0};
        const stopwatch watch;
        ::kill(child, SIGKILL);
        if (::poll(&end, 1, -1) != 1)
            std::abort();
        times.push_back(watch.ns());
        ::close(fd);
        ::waitpid(child, nullptr, 0);
    }
    return median(std::move(times));
}

// ---- One sample ---------------------------------------------------------------------------------

struct echo_size {
    std::string_view workload;
    std::size_t bytes, repetitions;
};
constexpr echo_size echo_sizes[] = {{"p1", sizeof(int), 3000},
                                    {"p3_1k", std::size_t(1) << 10, 2000},
                                    {"p3_64k", std::size_t(64) << 10, 1000},
                                    {"p3_1m", std::size_t(1) << 20, 100},
                                    {"p3_16m", std::size_t(16) << 20, 12},
                                    {"p3_64m", std::size_t(64) << 20, 5},
                                    {"p3s_1m", std::size_t(1) << 20, 100},
                                    {"p3s_64m", std::size_t(64) << 20, 5}};

values run(std::string_view workload, std::string_view implementation, std::size_t scale) {
    const auto size = [scale](std::size_t n) { return scale != 0 ? scale : n; };
    const std::string name(workload);
    for (const auto& e : echo_sizes) {
        if (workload != e.workload)
            continue;
        const std::size_t n = size(e.repetitions);
        if (implementation == "socket")
            return {{name, socket_echo(n, e.bytes)}};
        if (implementation == "floor" && workload != "p1")
            return {{name, copies(n, e.bytes)}};
        if (implementation == "ferry" && workload.starts_with("p3s"))
            return {{name, echo_all(echo_shared, n, e.bytes)}};
        if (implementation == "ferry")
            return {{name, workload == "p1" ? round_trip(n) : echo_all(echo, n, e.bytes)}};
    }
    if (implementation == "floor" && workload == "p6")
        return {{name, time_to_pidfd(size(25))}};
    if (implementation != "ferry")
        return {};
    if (workload == "p2")
        return {{name, submit_all(size(10'000))}};
    if (workload == "map1")
        return {{name, map_all(size(10'000), 1)}};
    if (workload == "map16")
        return {{name, map_all(size(100'000), 16)}};
    if (workload == "map256")
        return {{name, map_all(size(512'000), 256)}};
    if (workload == "p4")
        return start_and_stop();
    if (workload == "p5")
        return {{name, speed_up(size(60'000'000))}};
    if (workload == "p6")
        return {{name, time_to_failure(size(25))}};
    if (workload == "p7")
        return memory_of_worker();
    return {};
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    std::size_t scale = 0; // 0: the workload's own size
    bool sound = argc == 3 || argc == 4;
    if (argc == 4) {
        const char* const end = argv[3] + std::strlen(argv[3]);
        const auto r = std::from_chars(argv[3], end, scale);
        sound = r.ec == std::errc() && r.ptr == end && scale != 0;
    }
    if (!sound) {
        std::fputs("usage: bench_process WORKLOAD IMPLEMENTATION [SCALE]\n", stderr);
        return 2;
    }
    const values found = run(argv[1], argv[2], scale);
    if (found.empty()) {
        std::fprintf(stderr, "bench_process: there is no workload '%s' for '%s'\n", argv[1],
                     argv[2]);
        return 2;
    }
    std::printf("{\"workload\": \"%s\", \"implementation\": \"%s\", \"values\": {", argv[1],
                argv[2]);
    const char* comma = "";
    for (const auto& [name, value] : found) {
        std::printf("%s\"%s\": %.4g", comma, name.c_str(), value);
        comma = ", ";
    }
    std::puts("}}");
}
