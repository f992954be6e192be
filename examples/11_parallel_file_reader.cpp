// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Reads many files at the same time; those that are missing come as nothing, in their places.
// Python: `list(pool.map(read_file, paths))`. Usage: 11_parallel_file_reader [PATH...]
#include <ferry/ferry.hpp>

#include "scratch_directory.hpp"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::optional<std::string> read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file || fs::is_directory(path))
        return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::optional<std::string>> read_files(ferry::thread_pool& pool,
                                                   const std::vector<fs::path>& paths) {
    std::vector<std::optional<std::string>> contents;
    for (std::optional<std::string>&& text : pool.map(read_file, paths))
        contents.push_back(std::move(text)); // moved out of the view, not copied
    return contents;
}

} // namespace

int main(int argc, char** argv) {
    const scratch_directory scratch;
    std::vector<fs::path> paths;
    for (int i = 1; i <= 4; ++i) {
        paths.push_back(scratch.path / ("file" + std::to_string(i)));
        if (i != 3) // which stays missing
            std::ofstream(paths.back()) << std::string(static_cast<std::size_t>(i) * 1000, 'x');
    }
    paths.insert(paths.end(), argv + 1, argv + argc);

    ferry::thread_pool pool;
    const auto contents = read_files(pool, paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        std::cout << paths[i].filename().string() << ": ";
        if (contents[i])
            std::cout << contents[i]->size() << " bytes\n";
        else
            std::cout << "missing\n";
    }
}
