// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "transfer_failures.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace fetcher {

failure failure_of(CURLcode code) {
    switch (code) {
    case CURLE_OK: return failure::none;
    case CURLE_URL_MALFORMAT: return failure::url;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return failure::dns;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return failure::connect;
    case CURLE_OPERATION_TIMEDOUT: return failure::timeout;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return failure::closed;
    case CURLE_TOO_MANY_REDIRECTS: return failure::redirects;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return failure::tls;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR: return failure::protocol;
    default: return failure::other;
    }
}

bool is_permanent(CURLproxycode code) {
    switch (code) {
    case CURLPX_BAD_ADDRESS_TYPE:
    case CURLPX_BAD_VERSION:
    case CURLPX_GSSAPI:
    case CURLPX_GSSAPI_PERMSG:
    case CURLPX_GSSAPI_PROTECTION:
    case CURLPX_IDENTD_DIFFER:
    case CURLPX_LONG_HOSTNAME:
    case CURLPX_LONG_PASSWD:
    case CURLPX_LONG_USER:
    case CURLPX_NO_AUTH:
    case CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED:
    case CURLPX_REPLY_COMMAND_NOT_SUPPORTED:
    case CURLPX_REPLY_NOT_ALLOWED:
    case CURLPX_REQUEST_FAILED:
    case CURLPX_USER_REJECTED: return true;
    default: return false;
    }
}

bool is_of_other_family(const std::string& host, const request_settings& settings) {
    const auto begin = host.find("://") + 3;
    const std::string name = host.substr(begin, host.rfind(':') - begin);
    in_addr address{};
    const bool v6 = name.starts_with('[');
    if (!v6 && ::inet_pton(AF_INET, name.c_str(), &address) != 1)
        return false;
    return std::any_of(settings.curl.begin(), settings.curl.end(), [v6](const curl_setting& each) {
        return each.option == CURLOPT_IPRESOLVE &&
               std::get<long>(each.value) == (v6 ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_V6);
    });
}

} // namespace fetcher
