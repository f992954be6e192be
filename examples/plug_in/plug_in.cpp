// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A plug-in that decodes what it does not trust in worker processes. They run the program
// ferry-worker, which loads this library, since the host's `main` does not call
// `run_worker_if_spawned`. A decoder that crashes, hangs or wants to write files costs one image.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

// Stands for a codec in C with the usual faults.
std::size_t decode(const std::string& image) {
    if (image == "crash")
        std::abort();
    if (image == "spy" && !std::ofstream("/tmp/stolen"))
        throw std::runtime_error("the decoder cannot write files");
    for (std::size_t i = 0; i != image.size(); ++i)
        ferry::report_progress(double(i + 1) / double(image.size()), image);
    return image.size();
}

} // namespace

extern "C" int decode_images(const char* worker) {
    ferry::process_pool pool(
        {.max_workers = 1,
         .limits = {.memory = std::size_t(1) << 30, .cpu_time = std::chrono::seconds(10)},
         .sandbox = ferry::sandbox::no_network | ferry::sandbox::read_only,
         .executable = worker});
    for (const std::string image : {"sunset", "crash", "spy", "moon"}) {
        double last = 0;
        ferry::task_options options{
            .label = image, .on_progress = [&last](const ferry::progress& p) { last = p.done; }};
        try {
            const auto size = pool.submit(options, decode, image).result();
            std::cout << image << ": " << size << " bytes, " << last * 100 << " %\n";
        } catch (const ferry::worker_died& e) {
            std::cout << image << ": its decoder died of signal " << e.signal().value_or(0) << '\n';
        } catch (const std::exception& e) {
            std::cout << image << ": " << e.what() << '\n';
        }
    }
    std::cout.flush();
    return 0;
}
