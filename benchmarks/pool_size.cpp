// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Finds the size of a thread pool by trying: runs one kind of task over pools of many sizes, prints
// a table and a curve, and says which size it would take.
#include "curve.hpp"
#include "pool_load.hpp"

#include <ferry/thread_pool.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using std::chrono::nanoseconds;

struct options {
    std::string kind = "wait";
    double wait_ms = 10;
    double cpu_us = 200;
    std::size_t file_kb = 64;
    std::vector<std::size_t> sizes = {};
    std::size_t in_flight = 0; // 0: as many as the largest size
    double seconds = 0.5;
    std::string svg = {};
};

nanoseconds duration_of(double value, double unit_ns) {
    return nanoseconds(static_cast<nanoseconds::rep>(value * unit_ns));
}

/// Ferry's own two proposals are among them, to be compared.
std::vector<std::size_t> default_sizes() {
    return {1,
            2,
            3,
            4,
            6,
            8,
            12,
            16,
            24,
            32,
            48,
            64,
            ferry::cpu_bound_workers(),
            ferry::io_bound_workers()};
}

/// Throws `CLI::ParseError`.
options parse(CLI::App& app, int argc, char** argv) {
    options o;
    app.add_option("--kind", o.kind, "what a task does: wait, read a file, or compute")
        ->check(CLI::IsMember({"wait", "file", "cpu"}))
        ->capture_default_str();
    std::vector<std::pair<CLI::Option*, std::string>> special; // with the kind it is for
    special.emplace_back(app.add_option("--wait-ms", o.wait_ms, "how long a task waits")
                             ->check(CLI::Range(0.01, 60'000.0))
                             ->capture_default_str(),
                         "wait");
    special.emplace_back(
        app.add_option("--file-kb", o.file_kb, "how much a task reads (from the page cache)")
            ->check(CLI::Range(1, 1 << 20))
            ->capture_default_str(),
        "file");
    special.emplace_back(app.add_option("--cpu-us", o.cpu_us, "how long a task computes")
                             ->check(CLI::Range(1.0, 10'000'000.0))
                             ->capture_default_str(),
                         "cpu");
    app.add_option("--sizes", o.sizes, "numbers of workers to try, separated by commas")
        ->delimiter(',')
        ->check(CLI::Range(1, 4096));
    app.add_option("--in-flight", o.in_flight,
                   "tasks submitted and not ended at any time; as many as the largest size")
        ->check(CLI::Range(1, 100'000));
    app.add_option("--seconds", o.seconds, "how long each size is tried")
        ->check(CLI::Range(0.01, 600.0))
        ->capture_default_str();
    app.add_option("--svg", o.svg, "draws the curve into this file");
    app.parse(argc, argv);

    for (const auto& [option, kind] : special)
        if (option->count() != 0 && o.kind != kind)
            throw CLI::ValidationError(option->get_name(), "is for --kind " + kind + " only");
    if (o.sizes.empty())
        o.sizes = default_sizes();
    std::ranges::sort(o.sizes);
    o.sizes.erase(std::unique(o.sizes.begin(), o.sizes.end()), o.sizes.end());
    if (o.in_flight == 0)
        o.in_flight = o.sizes.back();
    return o;
}

std::string describe(const options& o) {
    std::ostringstream out;
    if (o.kind == "wait")
        out << "tasks that wait for " << o.wait_ms << " ms";
    else if (o.kind == "file")
        out << "tasks that read " << o.file_kb << " KiB from a file";
    else
        out << "tasks that compute for " << o.cpu_us << " us";
    out << ", " << o.in_flight << " in flight";
    return out.str();
}

double ms(nanoseconds t) { return std::chrono::duration<double, std::milli>(t).count(); }

std::vector<load_point> measure(const options& o) {
    std::unique_ptr<temporary_file> file;
    task_body task;
    if (o.kind == "wait") {
        task = waiting_task(duration_of(o.wait_ms, 1e6));
    } else if (o.kind == "cpu") {
        task = computing_task(duration_of(o.cpu_us, 1e3));
    } else {
        file = std::make_unique<temporary_file>(o.file_kb << 10);
        task = reading_task(file->path());
    }
    std::cout << "  size  tasks per s  median ms     p95 ms  threads  memory MB\n" << std::fixed;
    std::vector<load_point> points;
    for (const std::size_t size : o.sizes) {
        points.push_back(measure_load(task, size, o.in_flight, duration_of(o.seconds, 1e9)));
        const load_point& p = points.back();
        std::cout << std::setw(6) << p.size << std::setprecision(1) << std::setw(13) << p.throughput
                  << std::setprecision(3) << std::setw(11) << ms(p.median) << std::setw(11)
                  << ms(p.p95) << std::setw(9) << p.threads << std::setprecision(1) << std::setw(11)
                  << p.resident / 1e6 << std::endl;
    }
    return points;
}

const load_point& best_of(const std::vector<load_point>& points) {
    return *std::ranges::max_element(points, {}, &load_point::throughput);
}

/// The smallest within 5 % of the best: what is beyond costs memory and switches, and gains
/// nothing.
const load_point& choose(const std::vector<load_point>& points) {
    const double enough = 0.95 * best_of(points).throughput;
    return *std::ranges::find_if(points, [&](const auto& p) { return p.throughput >= enough; });
}

void compare(const std::vector<load_point>& points, const char* name, std::size_t size) {
    std::cout << name << " says " << size;
    const auto p = std::ranges::find(points, size, &load_point::size);
    if (p != points.end())
        std::cout << ": " << std::setprecision(0)
                  << 100 * p->throughput / best_of(points).throughput << " % of the best";
    std::cout << ".\n";
}

int run(const options& o) {
    std::ofstream svg;
    if (!o.svg.empty()) {
        svg.open(o.svg);
        if (!svg)
            throw std::runtime_error("cannot write '" + o.svg + "'");
    }
    std::cout << describe(o) << ", " << o.seconds << " s for each size\n\n";
    const std::vector<load_point> points = measure(o);
    const load_point& best = best_of(points);
    if (best.throughput <= 0)
        throw std::runtime_error("no task ended in time: --seconds is too short for this task");
    const load_point& taken = choose(points);
    std::cout << '\n';
    draw_bars(std::cout, points, taken.size);
    std::cout << "\nTake " << taken.size
              << ": the smallest size within 5 % of the best throughput, " << std::setprecision(1)
              << best.throughput << " per second with " << best.size << ".\n";
    if (taken.size == points.back().size && points.size() > 1)
        std::cout << "It is the largest that was tried: a larger one may be better still.\n";
    compare(points, "ferry::io_bound_workers()", ferry::io_bound_workers());
    compare(points, "ferry::cpu_bound_workers()", ferry::cpu_bound_workers());
    if (svg.is_open()) {
        draw_svg(svg, points, taken.size, describe(o));
        if (!svg.flush())
            throw std::runtime_error("cannot write '" + o.svg + "'");
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Finds the size of a thread pool by trying.", "pool_size"};
    try {
        return run(parse(app, argc, argv));
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::cerr << "pool_size: " << e.what() << '\n';
        return 1;
    }
}
