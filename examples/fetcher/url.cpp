// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "url.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string_view>

namespace fetcher {
namespace {

using url_handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part(CURLU* url, CURLUPart what, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, what, &text, flags) != CURLUE_OK || text == nullptr)
        return {};
    std::string result(text);
    curl_free(text);
    return result;
}

url_handle read(const std::string& text, CURLUcode& code) {
    url_handle url(curl_url(), curl_url_cleanup);
    if (url == nullptr)
        throw std::bad_alloc();
    code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(),
                        CURLU_GUESS_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE |
                            CURLU_NON_SUPPORT_SCHEME);
    return url;
}

/// Why no address can ever be found for the host; empty when one may be.
std::string host_error(CURLU* url) {
    std::string host = part(url, CURLUPART_HOST);
    if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c >= 0x80; })) {
#ifdef CURLU_PUNYCODE
        host = part(url, CURLUPART_HOST, CURLU_PUNYCODE);
#else
        return {};
#endif
    }
    constexpr std::string_view wrong = "the host's name cannot be looked up: ";
    constexpr std::size_t longest_name = 253, longest_label = 63;
    if (host.empty())
        return std::string(wrong) + "its letters have no form for that";
    if (host.back() == '.')
        host.pop_back();
    if (host.size() > longest_name)
        return std::string(wrong) + "it is longer than 253 characters";
    if (host.starts_with('['))
        return {};
    for (std::size_t begin = 0; begin <= host.size();) {
        const auto end = std::min(host.find('.', begin), host.size());
        if (end == begin || end - begin > longest_label)
            return std::string(wrong) + (end == begin ? "there is nothing between two dots"
                                                      : "a part is longer than 63 characters");
        begin = end + 1;
    }
    return {};
}

/// Whether a URL's path and query are for libcurl what they are: nothing in them is to be encoded,
/// and no `.` or `..` to be resolved.
bool is_plain(std::string_view path) {
    constexpr std::size_t longest = 4096;
    if (path.size() > longest || !path.starts_with('/') || path.ends_with('?') ||
        path.find("/.") != std::string_view::npos)
        return false;
    return std::all_of(path.begin(), path.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9') ||
               c == '_' || c == '~' || c == '?' || c == '=' || c == '&';
    });
}

} // namespace

parsed_url url_reader::read(const std::string& text) {
    const std::string_view view = text;
    if (!server_.empty() && view.starts_with(server_))
        if (const auto path = view.substr(server_.size()); is_plain(path))
            return {.text = address_ + std::string(path), .host = host_, .error = {}};
    parsed_url result = parse_url(text);
    const auto scheme = view.find("://");
    if (!result.error.empty() || scheme == std::string_view::npos)
        return result;
    const auto begin = std::min(view.find_first_of("/?#", scheme + 3), view.size());
    const std::string_view path = view.substr(begin);
    if (is_plain(path) && result.text.ends_with(path)) {
        server_ = view.substr(0, begin);
        address_ = result.text.substr(0, result.text.size() - path.size());
        host_ = result.host;
    }
    return result;
}

parsed_url parse_url(const std::string& text) {
    parsed_url result;
    if (text.find('\0') != std::string::npos) {
        result.error = "the URL contains a zero byte";
        return result;
    }
    CURLUcode code = CURLUE_OK;
    const url_handle url = read(text, code);
    if (code != CURLUE_OK) {
        result.error = std::string("the URL cannot be used: ") + curl_url_strerror(code);
        return result;
    }
    std::string scheme = part(url.get(), CURLUPART_SCHEME);
    if (text.find("://") == std::string::npos) {
        // A host called ftp.example.com makes libcurl guess ftp; here everything is http.
        scheme = "http";
        curl_url_set(url.get(), CURLUPART_SCHEME, "http", 0);
    }
    if (scheme != "http" && scheme != "https") {
        result.error = "the scheme '" + scheme + "' is neither http nor https";
        return result;
    }
    const std::string port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (port == "0") {
        result.error = "port 0 cannot be connected to";
        return result;
    }
    if (result.error = host_error(url.get()); !result.error.empty())
        return result;
    result.host = scheme + "://" + part(url.get(), CURLUPART_HOST) + ":" + port;
    result.text = part(url.get(), CURLUPART_URL);
    return result;
}

std::string proxy_error(const std::string& text) {
    constexpr const char* accepted =
        "takes HOST:PORT or SCHEME://[NAME:PASSWORD@]HOST[:PORT], with one of the schemes http, "
        "https, socks4, socks4a, socks5, socks5h";
    if (std::any_of(text.begin(), text.end(),
                    [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
        return std::string(accepted) + "; there is a blank or a control character in it";
    const std::string whole = text.find("://") == std::string::npos ? "http://" + text : text;
    const url_handle url(curl_url(), curl_url_cleanup);
    if (url == nullptr)
        throw std::bad_alloc();
    const CURLUcode code =
        curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return std::string(accepted) + "; " + curl_url_strerror(code);
    const std::string scheme = part(url.get(), CURLUPART_SCHEME);
    const auto known = {"http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"};
    if (std::find(known.begin(), known.end(), scheme) == known.end())
        return std::string(accepted) + ", not '" + scheme + "'";
    if (part(url.get(), CURLUPART_PORT) == "0")
        return std::string(accepted) + "; port 0 cannot be connected to";
    if (const std::string wrong = host_error(url.get()); !wrong.empty())
        return std::string(accepted) + "; " + wrong;
    return {};
}

std::string last_segment(const std::string& url) {
    CURLUcode code = CURLUE_OK;
    const url_handle parsed = read(url, code);
    if (code != CURLUE_OK)
        return {};
    const std::string path = part(parsed.get(), CURLUPART_PATH);
    return path.substr(path.rfind('/') + 1);
}

} // namespace fetcher
