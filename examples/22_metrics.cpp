// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The figures of a pool, by label: as numbers, and as the page that Prometheus scrapes.
// Python: there is none in the standard library.
#include <ferry/ferry.hpp>

#include <iostream>
#include <sstream>
#include <stdexcept>

namespace {

void load(int n) {
    if (n % 5 == 0)
        throw std::runtime_error("no such page");
}

} // namespace

int main() {
    ferry::thread_pool pool({.max_workers = 2, .name = "pages"});
    for (int i = 1; i <= 10; ++i)
        pool.submit({.label = i % 2 == 0 ? "even" : "odd"}, load, i).wait();
    for (const auto& [label, stats] : pool.stats_by_label())
        std::cout << label << ": " << stats.completed << " completed, " << stats.failed
                  << " failed\n";

    std::ostringstream page;
    ferry::write_metrics(page); // the answer to GET /metrics
    std::istringstream lines(page.str());
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("ferry_task_failed_total{"))
            std::cout << line << '\n';
    }
}
