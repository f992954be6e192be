// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Exceptions that were thrown in another process.
#include <ferry/process.hpp>

#include <boost/asio/error.hpp>

#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

struct bad_row : std::runtime_error {
    using runtime_error::runtime_error;
};
struct bad_column : std::runtime_error {
    using runtime_error::runtime_error;
};

void fail(int how) {
    switch (how) {
    case 0: throw std::out_of_range("beyond the last row");
    case 1: throw std::system_error(std::make_error_code(std::errc::no_space_on_device), "write");
    case 2: throw bad_row("row 3");       // registered
    case 3: throw bad_column("column 4"); // not registered
    default: throw 42;                    // no exception at all
    }
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::register_exception<bad_row>(); // needed here, in the process that owns the pool
    ferry::process_pool pool(1);
    for (int how = 0; how != 5; ++how) {
        try {
            pool.submit(fail, how).result();
        } catch (const std::out_of_range& e) {
            std::cout << "out_of_range: " << e.what() << '\n';
        } catch (const ferry::remote_error& e) {
            std::cout << "remote_error of type " << e.type_name() << '\n';
        } catch (const std::system_error& e) {
            std::cout << "no space: " << (e.code() == std::errc::no_space_on_device) << '\n';
        } catch (const bad_row& e) {
            std::cout << "bad_row: " << e.what() << '\n';
        }
    }
}
