// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cpu_quota.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace ferry::detail {
namespace {

namespace fs = std::filesystem;

constexpr auto no_quota = std::numeric_limits<std::size_t>::max();

bool lists(const std::string& comma_separated, const std::string& word) {
    std::istringstream words(comma_separated);
    for (std::string w; std::getline(words, w, ',');) {
        if (w == word)
            return true;
    }
    return false;
}

/// The paths of this process's groups in their hierarchies; empty where it is in none.
struct membership {
    std::string v1; // of the controller "cpu"
    std::string v2;
};

membership read_membership(const fs::path& root) {
    membership m;
    std::ifstream in(root / "proc/self/cgroup");
    for (std::string line; std::getline(in, line);) { // hierarchy:controllers:path
        const auto one = line.find(':');
        const auto two = line.find(':', one + 1);
        if (one == std::string::npos || two == std::string::npos)
            continue;
        const std::string controllers = line.substr(one + 1, two - one - 1);
        if (controllers.empty())
            m.v2 = line.substr(two + 1);
        else if (lists(controllers, "cpu"))
            m.v1 = line.substr(two + 1);
    }
    return m;
}

/// A hierarchy of groups, of which the part below `top` is seen at `point`.
struct mount {
    bool v2;
    std::string top;
    fs::path point;
};

// Blanks and backslashes stand there as three octal digits.
std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = [&](std::size_t n) {
            return i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '7'
                       ? text[i + n] - '0'
                       : -1;
        };
        if (text[i] == '\\' && digit(1) >= 0 && digit(2) >= 0 && digit(3) >= 0) {
            out += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::vector<mount> read_mounts(const fs::path& root) {
    std::vector<mount> mounts;
    std::ifstream in(root / "proc/self/mountinfo");
    // id parent device top point options tags... - type source superoptions
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string skipped, top, point, type, source, options;
        fields >> skipped >> skipped >> skipped >> top >> point;
        while (fields >> skipped && skipped != "-") {
        }
        fields >> type >> source >> options;
        if (type == "cgroup2" || (type == "cgroup" && lists(options, "cpu")))
            mounts.push_back({type == "cgroup2", unescape(top), unescape(point)});
    }
    return mounts;
}

std::size_t quota_of(const fs::path& group, bool v2) {
    double quota = 0; // "max" and -1 are no quota
    double period = 0;
    if (v2) {
        std::ifstream in(group / "cpu.max");
        in >> quota >> period;
    } else {
        std::ifstream(group / "cpu.cfs_quota_us") >> quota;
        std::ifstream(group / "cpu.cfs_period_us") >> period;
    }
    if (!(quota > 0) || !(period > 0) || quota / period > 65536)
        return no_quota;
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(quota / period)));
}

/// Where a group is below the mount point; the mount point itself where the mount does not show it.
fs::path below(const std::string& top, const std::string& group) {
    if (group.find("/..") != std::string::npos)
        return {};
    if (top == "/")
        return fs::path(group).relative_path();
    if (group.starts_with(top + '/'))
        return fs::path(group.substr(top.size())).relative_path();
    return {};
}

} // namespace

std::size_t cpus_by_quota(const fs::path& root) {
    const membership groups = read_membership(root);
    std::vector<mount> mounts = read_mounts(root);
    if (mounts.empty())
        mounts = {{true, "/", "/sys/fs/cgroup"}, {false, "/", "/sys/fs/cgroup/cpu"}};
    std::size_t least = no_quota;
    for (const mount& m : mounts) {
        const fs::path point = root / m.point.relative_path();
        // A group's quota holds for all the groups below it.
        for (fs::path group = below(m.top, m.v2 ? groups.v2 : groups.v1);;
             group = group.parent_path()) {
            least = std::min(least, quota_of(point / group, m.v2));
            if (group.empty())
                break;
        }
    }
    return least;
}

} // namespace ferry::detail
