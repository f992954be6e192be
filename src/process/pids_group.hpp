// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ferry::detail {

/// The folder of this process in the hierarchy of control groups that counts processes, of version
/// 1 or 2, from the texts of /proc/self/mountinfo and /proc/self/cgroup. Nothing where there is
/// none.
std::optional<std::filesystem::path> find_pids_folder(std::string_view mountinfo,
                                                      std::string_view cgroup);

/// A control group that limits how many processes and threads there are in it. It is removed with
/// the object, unless a process is left in it.
class pids_group {
public:
    /// Errors: `sandbox_error` that says why there can be none.
    explicit pids_group(std::size_t most);
    ~pids_group();
    pids_group(const pids_group&) = delete;
    pids_group& operator=(const pids_group&) = delete;

    /// Moves a process into it, with all its threads. Errors: `std::system_error`.
    void add(int pid) const;

private:
    std::filesystem::path folder_;
};

} // namespace ferry::detail
