// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Fetches many URLs at a time with libcurl: Ferry carries what blocks, a `transfer_many` for each of a
// few workers, the reading of lists and the writing of files, to threads, so that the program itself
// is a handful of coroutines.

#include "demo.hpp"
#include "descriptors.hpp"
#include "options.hpp"
#include "run.hpp"
#include "text.hpp"

#include <boost/asio/io_context.hpp>

#include <clocale>
#include <csignal>
#include <exception>
#include <iostream>

namespace {

int run(const fetcher::options& settings) {
    boost::asio::io_context context(1);
    fetcher::target_source source(settings.base_url, settings.arguments, settings.lists);
    if (source.at_end())
        throw fetcher::usage_error("there is a template, but no ids for it");
    fetcher::engine fetching(context, settings, source);
    return fetcher::run_to_end(context, fetching);
}

int end(const char* what, int code) {
    std::cerr << "fetcher: " << fetcher::printable(what) << '\n';
    return code;
}

} // namespace

int main(int argc, char** argv) {
    fetcher::occupy_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN);       // an error of the write that it comes from
    std::setlocale(LC_CTYPE, "C.UTF-8"); // host names with other letters
    try {
        const auto settings = fetcher::parse_options(argc, argv);
        if (!settings) {
            std::cout.flush();
            return std::cout ? 0 : 4;
        }
        const fetcher::curl_library curl;
        return settings->demo ? fetcher::run_demo(*settings) : run(*settings);
    } catch (const fetcher::usage_error& e) {
        return end(e.what(), 2);
    } catch (const std::exception& e) {
        return end(e.what(), 1);
    }
}
