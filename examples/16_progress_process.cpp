// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A live bar for a task that reports how far it is: on a thread, and from another process.
// Python: tqdm and a queue between the processes.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <iostream>
#include <string>
#include <string_view>

namespace {

void draw(const ferry::progress& p) {
    constexpr std::size_t width = 20;
    const auto full = static_cast<std::size_t>(p.done * width);
    std::cout << '\r' << p.note << " [" << std::string(full, '#') << std::string(width - full, '.')
              << "] " << static_cast<int>(p.done * 100) << " %" << std::flush;
}

int import_rows(int rows, const std::string& what) {
    unsigned sum = 0;
    for (int row = 1; row <= rows; ++row) {
        for (unsigned i = 0; i != 2000; ++i) // the work
            sum = sum * 31 + i;
        ferry::report_progress(double(row) / rows,
                               what); // cheap: at most one in 20 ms is delivered
    }
    return sum != 1 ? rows : 0;
}

template <class Pool>
void use(const std::string& what) {
    Pool pool(1);
    ferry::task_options options{.label = what, .on_progress = draw};
    const int rows = pool.submit(options, import_rows, 20'000, what).result();
    // The last report has come: the bar is full.
    std::cout << "\n" << rows << " rows\n";
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    use<ferry::thread_pool>("in a thread");
    use<ferry::process_pool>("in a process");
}
