// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Many files read at the same time, into a map from path to contents; what could not be read is in
// a map of its own. Python: `dict(zip(paths, executor.map(read_file, paths)))`.
#include <ferry/ferry.hpp>

#include "scratch_directory.hpp"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <ranges>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot open it");
    return {std::istreambuf_iterator<char>(file), {}};
}

struct contents {
    std::map<fs::path, std::string> of;
    std::map<fs::path, std::string> errors;
};

contents read_all(ferry::thread_pool& pool, const std::vector<fs::path>& paths) {
    std::unordered_map<ferry::future<std::string>, fs::path> path_of;
    for (const fs::path& path : paths)
        path_of.emplace(pool.submit(read_file, path), path);
    contents result;
    for (ferry::future<std::string> f : ferry::as_completed(std::views::keys(path_of))) {
        const fs::path& path = path_of.at(f);
        try {
            result.of.emplace(path, f.result());
        } catch (const std::runtime_error& e) {
            result.errors.emplace(path, e.what());
        }
    }
    return result;
}

} // namespace

int main() {
    const scratch_directory scratch;
    std::vector<fs::path> paths;
    for (const char* name : {"bread", "salt", "wine"})
        paths.push_back(scratch.path / name);
    std::ofstream(paths[0]) << "two loaves";
    std::ofstream(paths[2]) << "a cask";

    ferry::thread_pool pool(4);
    const contents all = read_all(pool, paths);
    for (const auto& [path, text] : all.of)
        std::cout << path.filename().string() << ": " << text << '\n';
    for (const auto& [path, error] : all.errors)
        std::cout << path.filename().string() << ": " << error << '\n';
}
