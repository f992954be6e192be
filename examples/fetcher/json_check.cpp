// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "json_check.hpp"

#include <boost/json/basic_parser_impl.hpp>

namespace json = boost::json;

namespace fetcher {
namespace {

/// Takes all that a parser tells, and keeps nothing.
struct nothing {
    static constexpr std::size_t max_array_size = -1;
    static constexpr std::size_t max_object_size = -1;
    static constexpr std::size_t max_string_size = -1;
    static constexpr std::size_t max_key_size = -1;
    using error = boost::system::error_code;

    bool on_document_begin(error&) { return true; }
    bool on_document_end(error&) { return true; }
    bool on_array_begin(error&) { return true; }
    bool on_array_end(std::size_t, error&) { return true; }
    bool on_object_begin(error&) { return true; }
    bool on_object_end(std::size_t, error&) { return true; }
    bool on_string_part(json::string_view, std::size_t, error&) { return true; }
    bool on_string(json::string_view, std::size_t, error&) { return true; }
    bool on_key_part(json::string_view, std::size_t, error&) { return true; }
    bool on_key(json::string_view, std::size_t, error&) { return true; }
    bool on_number_part(json::string_view, error&) { return true; }
    bool on_int64(std::int64_t, json::string_view, error&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, error&) { return true; }
    bool on_double(double, json::string_view, error&) { return true; }
    bool on_bool(bool, error&) { return true; }
    bool on_null(error&) { return true; }
    bool on_comment_part(json::string_view, error&) { return true; }
    bool on_comment(json::string_view, error&) { return true; }
};

json::parse_options options() {
    json::parse_options result;
    result.max_depth = 512; // the parser recurses
    return result;
}

constexpr std::string_view mark = "\xef\xbb\xbf";
constexpr std::string_view blanks = " \t\r\n";

} // namespace

struct json_check::state {
    json::basic_parser<nothing> parser{options()};
    bool in_value = false;
    std::size_t marked =
        0; // bytes of the mark that were seen; its size when it cannot come any more
    boost::system::error_code error;

    void feed(std::string_view more) {
        while (!more.empty() && !error) {
            if (!in_value) {
                more.remove_prefix(std::min(more.find_first_not_of(blanks), more.size()));
                if (more.empty())
                    return;
                parser.reset();
                in_value = true;
            }
            more.remove_prefix(parser.write_some(true, more.data(), more.size(), error));
            in_value = !parser.done();
        }
    }
};

json_check::json_check() : state_(std::make_unique<state>()) {}
json_check::~json_check() = default;
json_check::json_check(json_check&&) noexcept = default;
json_check& json_check::operator=(json_check&&) noexcept = default;

void json_check::write(std::string_view more) {
    while (!more.empty() && state_->marked < mark.size()) {
        if (more[0] != mark[state_->marked]) {
            const auto seen = state_->marked;
            state_->marked = mark.size();
            state_->feed(mark.substr(0, seen));
            break;
        }
        ++state_->marked;
        more.remove_prefix(1);
    }
    state_->feed(more);
}

std::string json_check::finish() {
    if (state_->marked < mark.size())
        state_->feed(mark.substr(0, state_->marked));
    if (!state_->error && state_->in_value) // a number ends with the body
        state_->parser.write_some(false, "", 0, state_->error);
    return state_->error ? state_->error.message() : std::string();
}

} // namespace fetcher
