// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "target.hpp"

#include "sha256.hpp"
#include "text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace json = boost::json;

namespace fetcher {
namespace {

constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               token_marks.find(c) != std::string_view::npos;
    });
}

/// The text of a member of a valid JSON object, as it stands there: numbers are not written anew.
std::string_view raw_member(std::string_view object, std::string_view name) {
    int depth = 0;
    std::size_t begin = 0; // of the member's name, then of its value
    bool found = false;
    for (std::size_t at = 0; at < object.size(); ++at) {
        const char c = object[at];
        if (c == '"') {
            const std::size_t start = at + 1;
            for (++at; object[at] != '"'; ++at)
                at += object[at] == '\\' ? 1 : 0;
            const std::size_t colon = object.find_first_not_of(" \t\r\n", at + 1);
            if (depth == 1 && !found && object[colon] == ':' &&
                object.substr(start, at - start) == name) {
                found = true;
                begin = at = colon;
            }
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == ',' || c == '}' || c == ']') {
            depth -= c == ',' ? 0 : 1;
            if (found && (depth == 0 || (depth == 1 && c == ','))) {
                const auto first = object.find_first_not_of(" \t\r\n", begin + 1);
                const auto last = object.find_last_not_of(" \t\r\n", at - 1);
                return object.substr(first, last - first + 1);
            }
        }
    }
    return {};
}

std::string text_of(const json::value& value, const char* member) {
    if (!value.is_string())
        throw std::invalid_argument(std::string("'") + member + "' is not a text");
    return std::string(value.get_string());
}

void add_header(target& result, std::string header) {
    if (!is_header(header))
        throw std::invalid_argument(
            "one of the 'headers' is not 'Name: value'"); // it may be a secret
    result.headers.push_back(std::move(header));
}

void read_headers(target& result, const json::value& value) {
    if (const auto* object = value.if_object()) {
        for (const auto& [name, text] : *object)
            add_header(result, std::string(name) + ": " + text_of(text, "headers"));
    } else if (const auto* list = value.if_array()) {
        for (const auto& each : *list)
            add_header(result, text_of(each, "headers"));
    } else {
        throw std::invalid_argument("'headers' is neither an object nor a list");
    }
}

bool has_content_type(const std::vector<std::string>& headers) {
    return std::any_of(headers.begin(), headers.end(), [](std::string name) {
        name.resize(std::min(name.find_first_of(":;"), name.size()));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        return name == "content-type";
    });
}

} // namespace

bool is_header(std::string_view text) {
    const auto end = text.find_first_of(":;");
    return end != std::string_view::npos && is_token(text.substr(0, end)) &&
           std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_method(std::string_view text) { return is_token(text) && text.size() <= 32; }

void target_maker::aim(target& result, const std::string& url) {
    parsed_url parsed = urls_.read(url);
    result.url = parsed.error.empty() ? std::move(parsed.text) : url;
    result.host = std::move(parsed.host);
    result.error = std::move(parsed.error);
}

target target_maker::of_id(std::string id) {
    target result;
    const std::string encoded = percent_encoded(id);
    result.id = std::move(id);
    if (base_url_.empty()) {
        result.error = "an id needs --base-url";
        return result;
    }
    std::string url = base_url_;
    bool replaced = false;
    for (const std::string_view mark : {"{}", "{id}"})
        for (auto at = url.find(mark); at != std::string::npos;
             at = url.find(mark, at + encoded.size())) {
            url.replace(at, mark.size(), encoded);
            replaced = true;
        }
    if (!replaced)
        url += (url.back() == '/' ? "" : "/") + encoded;
    aim(result, url);
    return result;
}

target target_maker::of_url(const std::string& url) {
    target result;
    aim(result, url);
    result.id = masked(url);
    return result;
}

void target_maker::of_json(const std::string& line, target& result) {
    boost::system::error_code error;
    const json::value value = json::parse(line, error);
    if (error || !value.is_object())
        throw std::invalid_argument("the line is not a JSON object: " + error.message());
    std::string url;
    const auto& object = value.get_object();
    if (const auto* id = object.if_contains("id"))
        result.id =
            id->is_string() ? std::string(id->get_string()) : std::string(raw_member(line, "id"));
    if (const auto* text = object.if_contains("url"))
        url = text_of(*text, "url");
    if (url.empty() && result.id.empty())
        throw std::invalid_argument("the line has neither 'url' nor 'id'");
    target made = url.empty() ? of_id(result.id) : of_url(url);
    if (result.id.empty())
        result.id = std::move(made.id);
    result.url = std::move(made.url);
    result.host = std::move(made.host);
    result.error = std::move(made.error);
    if (const auto* method = object.if_contains("method"))
        if (result.method = text_of(*method, "method"); !is_method(result.method))
            throw std::invalid_argument("'" + result.method + "' is not a method");
    if (const auto* headers = object.if_contains("headers"))
        read_headers(result, *headers);
    if (const auto* output = object.if_contains("output"))
        result.output = text_of(*output, "output");
    if (const auto* hash = object.if_contains("sha256")) {
        result.sha256 = text_of(*hash, "sha256");
        if (!is_sha256(result.sha256))
            throw std::invalid_argument("'sha256' is not 64 hexadecimal digits");
        std::transform(result.sha256.begin(), result.sha256.end(), result.sha256.begin(),
                       [](unsigned char c) { return std::tolower(c); });
    }
    if (const auto* body = object.if_contains("body")) {
        if (body->is_string()) {
            result.body = std::string(body->get_string());
        } else if (!body->is_null()) {
            result.body = std::string(raw_member(line, "body"));
            if (!has_content_type(result.headers))
                result.headers.emplace_back("Content-Type: application/json");
        }
    }
}

target target_maker::of_line(const std::string& line) {
    if (line[0] != '{')
        return line.find("://") != std::string::npos || base_url_.empty() ? of_url(line)
                                                                          : of_id(line);
    target result;
    try {
        of_json(line, result);
    } catch (const std::invalid_argument& e) {
        if (result.id.empty())
            result.id = shortened(line, 60);
        result.error = e.what();
    }
    return result;
}

} // namespace fetcher
