// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The program for `process_pool_options::executable` of libraries inside a host whose `main` is not
// theirs.
#include <ferry/process/run_worker_if_spawned.hpp>

#include <cstdio>

int main() {
    ferry::run_worker_if_spawned();
    std::fputs(
        "ferry-worker runs the tasks of a process pool, which starts it by itself: name it in\n"
        "ferry::process_pool_options::executable.\n",
        stderr);
    return 2;
}
