// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Workers that run another program, or this one with arguments. How a library in a host does it is
// shown, and tested, by examples/plug_in.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE executable
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#if !defined(FERRY_WORKER_FILE) // by a build that does not make it: any other program will do
#define FERRY_WORKER_FILE "/bin/true"
#endif

namespace {

int adds(int a, int b) { return a + b; }
std::string command_line() {
    std::ifstream file("/proc/self/cmdline");
    std::string all{std::istreambuf_iterator<char>(file), {}};
    std::replace(all.begin(), all.end(), '\0', ' ');
    return all;
}
const std::string& this_program() {
    static const std::string file = std::filesystem::read_symlink("/proc/self/exe").string();
    return file;
}
bool names(const std::exception& e, const std::string& part) {
    return std::string(e.what()).find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(this_program_can_be_named_and_gets_its_arguments) {
    ferry::process_pool pool(
        {.max_workers = 1, .executable = this_program(), .arguments = {"--quiet", "two words"}});
    BOOST_TEST(pool.submit(adds, 1, 2).result() == 3);
    BOOST_TEST(pool.submit(command_line).result() == this_program() + " --quiet two words ");
}

BOOST_AUTO_TEST_CASE(a_function_of_this_program_is_refused_where_the_workers_run_another) {
    ferry::process_pool pool({.max_workers = 1, .executable = FERRY_WORKER_FILE});
    const auto names_this = [](const std::invalid_argument& e) { return names(e, this_program()); };
    BOOST_CHECK_EXCEPTION(pool.submit(adds, 1, 2), std::invalid_argument, names_this);
    BOOST_CHECK_EXCEPTION(pool.submit([] { return 1; }), std::invalid_argument, names_this);
    const std::vector<int> inputs{1, 2};
    BOOST_CHECK_EXCEPTION(static_cast<void>(pool.map([](int n) { return n; }, inputs)),
                          std::invalid_argument, names_this);
    BOOST_CHECK_EXCEPTION(
        ferry::process_pool({.initializer = {[] {}}, .executable = FERRY_WORKER_FILE}),
        std::invalid_argument, names_this);
    BOOST_TEST(pool.stats().queued == 0u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_run_is_refused_at_once) {
    for (const char* const file :
         {"/no/such/program", "/", "/etc/passwd", "no-such-program-in-the-path"}) {
        BOOST_CHECK_EXCEPTION(
            ferry::process_pool({.executable = file}), std::invalid_argument,
            [&](const auto& e) { return names(e, file) && names(e, "executable"); });
    }
    BOOST_CHECK_THROW(ferry::process_pool({.arguments = {"alone"}}), std::invalid_argument);
}
