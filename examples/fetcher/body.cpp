// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "body.hpp"

#include "descriptors.hpp"
#include "text.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fetcher {
namespace {

constexpr std::size_t most_held = 256 << 10;

/// A file without a name.
unique_fd anonymous_file() {
    const char* directory = ::getenv("TMPDIR");
    std::string name = directory != nullptr && *directory != '\0' ? directory : "/tmp";
    unique_fd file(::open(name.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) { // not every file system can do that
        name += "/fetcher.XXXXXX";
        file = unique_fd(::mkostemp(name.data(), O_CLOEXEC));
        if (!file)
            throw std::system_error(errno, std::generic_category(), "no temporary file");
        ::unlink(name.c_str());
    }
    return file;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

} // namespace

void extract::write(std::string_view more) {
    // Escapes make the text longer, never shorter, so what is beyond is not needed.
    for (std::size_t n = 0; n < more.size() && size_ <= width + 4; ++n) {
        const char c = more[n];
        if (size_ == 0 && is_blank(c))
            continue;
        const bool json = size_ > 0 && (text_[0] == '{' || text_[0] == '[');
        if (is_blank(c) && !in_string_) {
            blank_ = !json;
            continue;
        }
        if (blank_)
            text_[size_++] = ' ';
        blank_ = false;
        text_[size_++] = c;
        if (json && c == '"' && !escaped_)
            in_string_ = !in_string_;
        escaped_ = in_string_ && c == '\\' && !escaped_;
    }
}

std::string extract::text() const {
    std::string_view view(text_.data(), size_);
    if (view.starts_with("\xef\xbb\xbf"))
        view.remove_prefix(3);
    return printable(shortened(std::string(view), width));
}

void body_sink::clear() {
    budget_.give_back(taken_);
    taken_ = 0;
    held_ = {};
    size_ = 0;
    extract_ = {};
    json_.reset();
    hash_.reset();
    hash_text_.clear();
    if (file_ != nullptr)
        file_->abandon();
    file_.reset();
    error_.clear();
    lacked_descriptor_ = false;
}

void body_sink::begin(destination where, std::string root, std::string path) {
    clear();
    where_ = where;
    root_ = std::move(root);
    path_ = std::move(path);
    if (settings_.check == check_kind::json)
        json_.emplace();
    if (settings_.checksum || !expected_.empty())
        hash_.emplace();
}

body_sink::verdict body_sink::write(std::string_view data) {
    if (size_ + data.size() > settings_.max_body)
        return verdict::too_large;
    try {
        const bool in_memory = where_ != destination::nowhere && file_ == nullptr &&
                               held_.size() + data.size() <= most_held && budget_.take(data.size());
        if (in_memory) {
            taken_ += data.size();
            held_ += data;
        } else if (where_ != destination::nowhere) {
            spill();
            if (!file_->write(data))
                return verdict::later;
        }
    } catch (const std::system_error& e) {
        error_ = e.what();
        lacked_descriptor_ = is_lack_of_descriptors(e);
        return verdict::not_written;
    }
    size_ += data.size();
    extract_.write(data);
    if (json_)
        json_->write(data);
    if (hash_)
        hash_->write(data);
    return verdict::good;
}

// Afterwards there is a file, and all that came before is in it, or on the way.
void body_sink::spill() {
    if (file_ != nullptr)
        return;
    body_file::file made = where_ == destination::file ? body_file::file(output_file(root_, path_))
                                                       : body_file::file(anonymous_file());
    file_ = std::make_shared<body_file>(std::move(made), std::exchange(hash_, std::nullopt),
                                        budget_, writers_, room_);
    file_->begin(std::exchange(held_, {}), std::exchange(taken_, 0));
}

void body_sink::store() {
    spill();
    file_->finish();
    hash(); // which the file takes with it
    if (where_ != destination::file)
        return;
    if (as_expected())
        std::get<output_file>(file_->content()).commit();
    file_.reset();
}

const std::string& body_sink::hash() {
    auto& hash = file_ != nullptr ? file_->hash() : hash_;
    if (hash)
        hash_text_ = std::exchange(hash, std::nullopt)->finish();
    return hash_text_;
}

bool body_sink::as_expected() { return expected_.empty() || hash() == expected_; }

std::string body_sink::take_text() {
    budget_.give_back(taken_);
    taken_ = 0;
    return std::move(held_);
}

unique_fd body_sink::take_file() { return std::move(std::get<unique_fd>(file_->content())); }

} // namespace fetcher
