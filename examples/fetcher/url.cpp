// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "url.hpp"

#include <curl/curl.h>

#include <memory>
#include <new>

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

} // namespace

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
    result.host = scheme + "://" + part(url.get(), CURLUPART_HOST) + ":" + port;
    result.text = part(url.get(), CURLUPART_URL);
    return result;
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
