// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "target_source.hpp"

#include "text.hpp"
#include "url.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fetcher {
namespace {

bool is_url(const std::string& text) { return text.find("://") != std::string::npos; }

bool is_template(const std::string& text) {
    return text.find("{}") != std::string::npos || text.find("{id}") != std::string::npos;
}

/// Whether it can only be a list of ids.
bool looks_like_ids(const std::string& text) {
    return text.find_first_of(".:/") == std::string::npos && text != "localhost";
}

/// The template for ids: `base_url`, or else the first URL among the arguments that has a place for
/// them.
std::string base_of(const std::string& base_url, const std::vector<std::string>& arguments) {
    std::string base = base_url;
    for (const auto& each : arguments)
        if (base.empty() && is_url(each) && is_template(each))
            base = each;
    if (base.empty())
        return base;
    std::string example = base;
    for (const std::string_view mark : {"{}", "{id}"})
        for (auto at = example.find(mark); at != std::string::npos; at = example.find(mark))
            example.replace(at, mark.size(), "1");
    if (const auto parsed = parse_url(example); !parsed.error.empty())
        throw usage_error("--base-url '" + masked(base) + "': " + parsed.error);
    if (!is_template(base) && base.find_first_of("?#") != std::string::npos)
        throw usage_error("--base-url '" + masked(base) +
                          "' has a query or fragment, and no {} that an id would replace");
    return base;
}

unique_fd open_list(const std::string& name) {
    unique_fd file(name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                               : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        throw usage_error("cannot read '" + name + "': " + std::strerror(errno));
    struct stat found{};
    if (::fstat(file.get(), &found) == 0 && S_ISDIR(found.st_mode))
        throw usage_error("cannot read '" + name + "': " + std::strerror(EISDIR));
    return file;
}

} // namespace

target_source::target_source(const std::string& base_url, const std::vector<std::string>& arguments,
                             const std::vector<std::string>& lists)
    : make_(base_of(base_url, arguments)) {
    for (const auto& each : arguments) {
        if (is_url(each) && is_template(each) && base_url.empty())
            continue;
        if (is_url(each) || (!make_.has_base() && !looks_like_ids(each))) {
            arguments_.push_back({each, {}});
            continue;
        }
        if (!make_.has_base())
            throw usage_error("ids '" + each + "' need --base-url");
        try {
            for (auto& range : parse_ids(each))
                arguments_.push_back({{}, std::move(range)});
        } catch (const std::invalid_argument& e) {
            throw usage_error(e.what());
        }
    }
    for (const auto& each : lists)
        lists_.emplace_back(open_list(each));
}

void target_source::read_argument(std::vector<target>& into) {
    const argument& next = arguments_.front();
    into.push_back(next.url.empty() ? make_.of_id(next.ids.at(position_)) : make_.of_url(next.url));
    if (++position_ >= (next.url.empty() ? next.ids.size() : 1)) {
        arguments_.pop_front();
        position_ = 0;
    }
}

// False when the first list is at its end.
bool target_source::read_list(std::size_t most, std::vector<target>& into,
                              const std::stop_token& stop) {
    const auto lines = lists_.front().read(most, stop);
    for (std::string line : lines) {
        const auto begin = std::min(line.find_first_not_of(" \t\r\xef\xbb\xbf"), line.size());
        line.erase(0, begin);
        line.erase(line.find_last_not_of(" \t\r") + 1);
        if (!line.empty() && line[0] != '#')
            into.push_back(make_.of_line(line));
    }
    return !lines.empty();
}

std::vector<target> target_source::read(std::size_t most, std::stop_token stop) {
    std::vector<target> result;
    while (result.size() < most && !arguments_.empty())
        read_argument(result);
    while (result.empty() && !lists_.empty() && !stop.stop_requested())
        if (!read_list(most, result, stop) && !stop.stop_requested())
            lists_.pop_front();
    for (auto& each : result)
        each.number = ++number_;
    return result;
}

std::optional<std::uint64_t> target_source::total() const {
    if (!lists_.empty())
        return std::nullopt;
    std::uint64_t left = 0;
    for (const auto& each : arguments_)
        left += each.url.empty() ? each.ids.size() : 1;
    return number_ + left - position_;
}

} // namespace fetcher
