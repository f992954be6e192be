// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The examples with worker processes in the comments of the headers; see examples.cpp.
#include <ferry/process.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

namespace {

int count_primes(int below) {
    int count = 0;
    for (int n = 2; n < below; ++n) {
        int d = 2;
        while (n % d != 0)
            ++d;
        count += d == n ? 1 : 0;
    }
    return count;
}

int submit_example() {
    int count = 0;
    // [process_pool::submit]
    ferry::process_pool pool({.max_workers = 2});
    ferry::future<int> primes = pool.submit(count_primes, 1000);
    try {
        count = primes.result();
    } catch (const ferry::worker_died& e) { // a crash costs this task only
        std::cerr << e.what() << '\n';
    }
    // [end]
    return count;
}

ferry::shared_bytes decode(const std::string& path) {
    return ferry::shared_bytes(std::string_view(path));
}
std::size_t uploaded = 0;
void upload(std::span<const std::byte> bytes) { uploaded += bytes.size(); }

std::size_t shared_bytes_example() {
    ferry::process_pool pool(1);
    const std::string path = "image.png";
    // [shared_bytes]
    ferry::future<ferry::shared_bytes> decoded = pool.submit(decode, path); // returns shared_bytes
    upload(decoded.result().span());
    // [end]
    return uploaded;
}

int map_example() {
    ferry::process_pool pool(2);
    int sum = 0;
    // [process_pool::map]
    for (int count : pool.map({.chunksize = 64}, count_primes, std::views::iota(1, 200)))
        sum += count;
    // [end]
    return sum;
}

} // namespace

#define main documented_main
// [run_worker_if_spawned]
int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool pool;
    return pool.submit(count_primes, 1000).result() == 168 ? 0 : 1;
}
// [end]
#undef main

int main() {
    if (const int failed = documented_main())
        return failed;
    return submit_example() == 168 && map_example() > 0 && shared_bytes_example() == 9 ? 0 : 1;
}
