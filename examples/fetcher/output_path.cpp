// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "output_path.hpp"

#include "url.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace fetcher {
namespace {

constexpr std::size_t longest_name = 200; // leaves room for `..XXXXXX.part` in the system's 255

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// `text` as a part of one file name.
std::string tame(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\')
            c = '_';
    return text;
}

std::string value_of(std::string_view name, const target& what) {
    if (name.empty() || name == "id")
        return what.id;
    if (name == "n")
        return std::to_string(what.number);
    if (name == "name")
        return last_segment(what.url);
    return what.host.substr(std::min(what.host.find("://") + 3, what.host.size()));
}

bool is_known(std::string_view name) {
    return name.empty() || name == "id" || name == "n" || name == "host" || name == "name";
}

/// The directory of `path` below `root`, made where it is missing if `make`; no descriptor when it
/// is not there.
unique_fd open_directory(const std::string& root, const std::string& path, bool make) {
    const auto open_at = [&](int at, const std::string& name, int flags) {
        int fd = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
        if (fd < 0 && errno == ENOENT && make) {
            if (::mkdirat(at, name.c_str(), 0777) < 0 && errno != EEXIST)
                fail("cannot make the directory '" + name + "'");
            fd = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
        }
        return unique_fd(fd);
    };
    unique_fd directory(::open(root[0] == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::string whole = root + "/" + path;
    for (std::size_t begin = 0, slash = 0; directory; begin = slash + 1) {
        slash = whole.find('/', begin);
        if (slash == std::string::npos)
            break;
        const std::string part = whole.substr(begin, slash - begin);
        if (part.empty() || part == ".")
            continue;
        directory = open_at(directory.get(), part, begin > root.size() ? O_NOFOLLOW : 0);
        if (!directory && make)
            fail("cannot open the directory '" + part + "'");
    }
    return directory;
}

bool is_device_at(int directory, const std::string& name) {
    struct stat found{};
    return ::fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISCHR(found.st_mode);
}

} // namespace

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

output_template::output_template(std::string text) {
    const std::string constant = text.substr(0, text.find('{'));
    root_ = directory_of(constant);
    rest_ = text.substr(constant.rfind('/') + 1);
    check();
}

output_template::output_template(std::string root, std::string text)
    : root_(std::move(root)), rest_(std::move(text)) {
    if (rest_.starts_with('/'))
        throw std::invalid_argument("'" + rest_ + "' is not below the directory of the output");
    check();
}

void output_template::check() const {
    for (auto at = rest_.find('{'); at != std::string::npos; at = rest_.find('{', at + 1)) {
        const auto end = rest_.find('}', at);
        if (end == std::string::npos || !is_known(rest_.substr(at + 1, end - at - 1)))
            throw std::invalid_argument("'" + rest_ +
                                        "' has a name in braces other than {}, {id}, "
                                        "{n}, {host} and {name}");
    }
    if (("/" + rest_ + "/").find("/../") != std::string::npos ||
        (root_ + rest_).find('\0') != std::string::npos)
        throw std::invalid_argument("'" + rest_ + "' leads out of the directory of the output");
    if (rest_.empty() || rest_.back() == '/')
        throw std::invalid_argument("'" + rest_ + "' names no file");
}

std::string output_template::expand(const target& what) const {
    std::string result;
    std::string part;
    const auto finish = [&] {
        if (part.empty() || part == "." || part == "..")
            part.insert(0, 1, '_');
        if (part.size() > longest_name)
            part.resize(longest_name);
        result += part;
        part.clear();
    };
    for (std::size_t at = 0; at < rest_.size(); ++at) {
        if (rest_[at] == '{') {
            const auto end = rest_.find('}', at);
            part += tame(value_of(std::string_view(rest_).substr(at + 1, end - at - 1), what));
            at = end;
        } else if (rest_[at] == '/') {
            finish();
            result += '/';
        } else {
            part += rest_[at];
        }
    }
    finish();
    return result;
}

bool output_template::is_device() const {
    const unique_fd directory = open_directory(root_, rest_, false);
    return directory && is_device_at(directory.get(), file_of(rest_));
}

output_file::output_file(const std::string& root, const std::string& path)
    : directory_(open_directory(root, path, true)), name_(file_of(path)) {
    static std::atomic<unsigned> last{0};
    if (!directory_)
        fail("cannot open the directory '" + root + "'");
    // What takes its place would be a file, and what is there would be lost.
    struct stat found{};
    if (::fstatat(directory_.get(), name_.c_str(), &found, 0) == 0 && !S_ISREG(found.st_mode)) {
        if (is_device_at(directory_.get(), name_))
            file_ = unique_fd(::openat(directory_.get(), name_.c_str(),
                                       O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
        else
            errno = S_ISDIR(found.st_mode) ? EISDIR : EEXIST;
        if (!file_)
            fail("cannot write '" + path + "', which is no file");
        return;
    }
    for (int attempt = 0; attempt < 100 && !file_; ++attempt) {
        temporary_ =
            "." + name_ + "." + std::to_string(::getpid()) + "-" + std::to_string(++last) + ".part";
        file_ = unique_fd(::openat(directory_.get(), temporary_.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
        if (!file_ && errno != EEXIST)
            break;
    }
    if (!file_) {
        temporary_.clear();
        fail("cannot write '" + path + "'");
    }
}

output_file::output_file(output_file&& other) noexcept
    : directory_(std::move(other.directory_)), file_(std::move(other.file_)),
      name_(std::move(other.name_)), temporary_(std::exchange(other.temporary_, {})) {}

output_file::~output_file() {
    if (!temporary_.empty())
        ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

void output_file::write(std::string_view data) { write_all(file_.get(), data); }

void output_file::commit() {
    if (temporary_.empty()) // a device
        return;
    if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str()) < 0)
        fail("cannot rename to '" + name_ + "'");
    temporary_.clear();
}

void check_output(const std::string& root, const std::string& name) {
    std::string existing = root;
    while (::access(existing.c_str(), F_OK) != 0 && errno == ENOENT)
        existing = directory_of(existing);
    struct stat found{};
    if (::stat(existing.c_str(), &found) == 0 && !S_ISDIR(found.st_mode))
        errno = ENOTDIR;
    else if (::faccessat(AT_FDCWD, existing.c_str(), W_OK | X_OK, AT_EACCESS) == 0)
        errno = 0;
    if (errno != 0)
        fail("cannot write to the directory '" + existing + "'");
    if (!name.empty() && ::stat((root + "/" + name).c_str(), &found) == 0 &&
        S_ISDIR(found.st_mode)) {
        errno = EISDIR;
        fail("cannot write '" + root + "/" + name + "'");
    }
}

bool output_exists(const std::string& root, const std::string& path) {
    const unique_fd directory = open_directory(root, path, false);
    struct stat found{};
    return directory &&
           ::fstatat(directory.get(), file_of(path).c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(found.st_mode);
}

void write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const auto written = ::write(fd, data.data(), data.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("cannot write");
        data.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace fetcher
