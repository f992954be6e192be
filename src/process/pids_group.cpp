// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pids_group.hpp"

#include <ferry/error.hpp>

#include "support/descriptor.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace ferry::detail {
namespace {

std::string text_of_file(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool is_listed(std::string_view list, std::string_view word) {
    for (std::size_t at = 0; (at = list.find(word, at)) != std::string_view::npos; ++at) {
        const std::size_t end = at + word.size();
        if ((at == 0 || list[at - 1] == ',') && (end == list.size() || list[end] == ','))
            return true;
    }
    return false;
}

// Returns the path of this process in the hierarchy that counts processes. `cgroup` has a line
// "8:pids:/path" for it in the first version of control groups, and "0::/path" in the second.
std::optional<std::string> own_path(std::string_view cgroup, bool second_version) {
    std::istringstream lines{std::string(cgroup)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first != std::string::npos ? line.find(':', first + 1) : first;
        if (second == std::string::npos)
            continue;
        const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
        if (second_version ? controllers.empty() : is_listed(controllers, "pids"))
            return line.substr(second + 1);
    }
    return std::nullopt;
}

// Returns false, with errno set, if the number cannot be written.
bool write_number(const std::filesystem::path& file, std::size_t number) {
    const descriptor to(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(number);
    return to && ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

} // namespace

std::optional<std::filesystem::path> find_pids_folder(std::string_view mountinfo,
                                                      std::string_view cgroup) {
    std::optional<std::filesystem::path> best;
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        // "36 35 98:0 ROOT MOUNT-POINT options... - TYPE source SUPER-OPTIONS"
        std::istringstream fields(line);
        std::string skipped, root, mount_point, type, options;
        fields >> skipped >> skipped >> skipped >> root >> mount_point;
        while (fields >> skipped && skipped != "-") {
        }
        fields >> type >> skipped >> options;
        const bool second_version = type == "cgroup2";
        if (!second_version && (type != "cgroup" || !is_listed(options, "pids")))
            continue;
        const auto path = own_path(cgroup, second_version);
        if (!path || !path->starts_with(root))
            continue;
        const std::string below = root == "/" ? *path : path->substr(root.size());
        if (!best || !second_version) // if both are mounted, the controller is in the first version
            best = std::filesystem::path(mount_point + below);
    }
    return best;
}

pids_group::pids_group(std::size_t most) {
    static std::atomic<unsigned> groups{0};
    const auto refuse = [](const std::string& why) {
        throw sandbox_error("limits.processes cannot be enforced: " + why);
    };
    const auto parent =
        find_pids_folder(text_of_file("/proc/self/mountinfo"), text_of_file("/proc/self/cgroup"));
    if (!parent)
        refuse("there is no control group that counts processes");
    folder_ = *parent / ("ferry-" + std::to_string(::getpid()) + "-" + std::to_string(++groups));
    if (::mkdir(folder_.c_str(), 0755) != 0)
        refuse("the control group '" + folder_.string() +
               "' cannot be made: " + std::strerror(errno));
    if (!write_number(folder_ / "pids.max", most)) {
        const int error = errno;
        ::rmdir(folder_.c_str());
        refuse("the control group '" + folder_.string() +
               "' cannot be limited: " + std::strerror(error));
    }
}

pids_group::~pids_group() { ::rmdir(folder_.c_str()); }

void pids_group::add(int pid) const {
    if (!write_number(folder_ / "cgroup.procs", static_cast<std::size_t>(pid)))
        throw std::system_error(errno, std::generic_category(),
                                "moving a worker process into a control group");
}

} // namespace ferry::detail
