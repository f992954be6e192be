// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What travels to a worker process and back, and what to do with what does not.
#include <ferry/process.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct point { // a plain aggregate needs no macro
    double x = 0, y = 0;
};
struct chart {
    std::string name;
    std::vector<point> buoys;
    std::map<std::string, std::optional<int>> depths;
    fs::path file;
};

std::size_t count_buoys(const chart& c) { return c.buoys.size(); }

class tide { // a class with private members says how, through cereal
public:
    tide() = default;
    explicit tide(int height) : height_(height) {}
    int height() const { return height_; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(height_);
    }

private:
    int height_ = 0;
};

tide next(const tide& t) { return tide(t.height() + 1); }

/// A function object with state, in place of a lambda that captures.
struct scaled {
    int factor = 1;
    int operator()(int n) const { return factor * n; }
};

static_assert(ferry::sendable<chart> && ferry::sendable<tide> && ferry::sendable<scaled>);
static_assert(!ferry::sendable<int*> && !ferry::sendable<ferry::future<int>>);

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool pool(1);
    const chart harbour{"harbour", {{1, 2}, {3, 4}}, {{"bar", 5}, {"pier", {}}}, "/charts/12"};
    std::cout << pool.submit(count_buoys, harbour).result() << " buoys\n";
    std::cout << "tide " << pool.submit(next, tide(3)).result().height() << '\n';
    std::cout << "scaled " << pool.submit(scaled{3}, 14).result() << '\n';
    std::cout << pool.submit([](std::string s) { return s + "!"; }, "no captures").result() << '\n';
}
