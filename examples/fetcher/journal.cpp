// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "journal.hpp"

#include "line_reader.hpp"
#include "output_path.hpp"
#include "text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace json = boost::json;

namespace fetcher {
namespace {

// FNV-1a. What stands in a file must not depend on the standard library's hash.
void mix(std::uint64_t& hash, std::string_view text) {
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    hash *= 0x100000001b3; // the end of a part
}

std::uint64_t key_of(const target& what, const std::string& method) {
    std::uint64_t hash = 0xcbf29ce484222325;
    mix(hash, what.id);
    mix(hash, what.url);
    mix(hash, method);
    mix(hash, what.body.value_or(""));
    return hash;
}

} // namespace

journal::journal(const std::string& name, bool with_validators)
    : file_(::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (!file_)
        throw std::system_error(errno, std::generic_category(), "--journal: " + name);
    line_reader lines(unique_fd(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 3)));
    for (auto some = lines.read(1000, {}); !some.empty(); some = lines.read(1000, {}))
        for (const auto& line : some) {
            boost::system::error_code error;
            const json::value value = json::parse(line, error);
            if (error || !value.is_object())
                continue;
            const auto text_of = [&](const char* name) {
                const auto* text = value.get_object().if_contains(name);
                return text && text->is_string() ? std::string(text->get_string()) : std::string();
            };
            const std::string key = text_of("done");
            if (key.empty())
                continue;
            auto& entry = before_[std::strtoull(key.c_str(), nullptr, 16)]; // the last one counts
            validators found{text_of("etag"), text_of("modified")};
            if (with_validators && !found.empty())
                entry = std::make_unique<const validators>(std::move(found));
            else
                entry.reset();
        }
    char last = '\n';
    const auto size = ::lseek(file_.get(), 0, SEEK_END);
    if (size > 0 && ::pread(file_.get(), &last, 1, size - 1) == 1 && last != '\n')
        unwritten_ = "\n";
}

bool journal::contains(const target& what, const std::string& method) const {
    return before_.count(key_of(what, method)) > 0;
}

const validators* journal::known(const target& what, const std::string& method) const {
    const auto found = before_.find(key_of(what, method));
    return found == before_.end() ? nullptr : found->second.get();
}

void journal::add(const target& what, const std::string& method, const validators& answered) {
    char key[17];
    std::snprintf(key, sizeof key, "%016llx",
                  static_cast<unsigned long long>(key_of(what, method)));
    json::object entry{
        {"done", key}, {"id", printable(what.id)}, {"url", printable(masked(what.url))}};
    if (!answered.etag.empty())
        entry["etag"] = answered.etag;
    if (!answered.modified.empty())
        entry["modified"] = answered.modified;
    unwritten_ += json::serialize(entry);
    unwritten_ += '\n';
}

void journal::flush() {
    if (!unwritten_.empty())
        write_all(file_.get(), unwritten_);
    unwritten_.clear();
}

} // namespace fetcher
