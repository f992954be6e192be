// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "target.hpp"
#include "unique_fd.hpp"

#include <string>
#include <string_view>

namespace fetcher {

/// A template for the names of files: `{}` and `{id}` are the target's id, `{n}` its number,
/// `{host}` its host with the port, `{name}` the last part of the URL's path. What replaces them
/// can neither make a directory nor leave one: of their characters, `/`, controls and the like
/// become `_`.
class output_template {
public:
    /// Throws `std::invalid_argument` for a name in braces that is none of these, for `..` behind
    /// the root, and for a name that ends with `/`.
    explicit output_template(std::string text);
    /// The same for a text that comes from a list: a path below `root`, whatever it says.
    output_template(std::string root, std::string text);

    /// The file for a target, below `root`.
    std::string expand(const target& what) const;
    /// The directory that the files lie in: what is before the first name in braces, up to its last
    /// `/`; `.` for the directory that the program runs in, `/` for an absolute path.
    const std::string& root() const noexcept { return root_; }

    /// Whether it is the same file for all targets.
    bool is_constant() const noexcept { return rest_.find('{') == std::string::npos; }
    /// Whether that is a device, such as `/dev/null`, which takes any number of bodies.
    bool is_device() const;

private:
    void check() const;

    std::string root_;
    std::string rest_;
};

/// A file that appears under its name when it is complete, and not before: until then it is called
/// `.NAME.XXXXXX.part`. No directory on the way from the root to it may be a symbolic link. A
/// device, such as `/dev/null`, is written to as it is, and anything else that is no file is left
/// as it is.
class output_file {
public:
    /// Makes the directories. Throws `std::system_error`.
    output_file(const std::string& root, const std::string& path);
    /// Removes what was not committed.
    ~output_file();
    output_file(output_file&& other) noexcept;
    output_file& operator=(output_file&&) = delete;

    /// Throws `std::system_error`.
    void write(std::string_view data);
    /// Throws `std::system_error`.
    void commit();

private:
    unique_fd directory_;
    unique_fd file_;
    std::string name_;
    std::string temporary_;
};

/// What can be told of a directory for files, and of a name in it, before anything is fetched: the
/// directory, or the one that it would be made in, can be written to, and what has the name is no
/// directory. The name may be empty. Throws `std::system_error`.
void check_output(const std::string& root, const std::string& name);

/// Of a path: the directory (`.` if it names none) and the name in it.
std::string directory_of(const std::string& path);
std::string file_of(const std::string& path);

/// Whether there is such a file already.
bool output_exists(const std::string& root, const std::string& path);

/// Writes all of it. Throws `std::system_error`.
void write_all(int fd, std::string_view data);

} // namespace fetcher
