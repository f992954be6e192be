// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "transfer.hpp"

#include <ferry/error.hpp>

#include <curl/curl.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>

namespace fetcher {
namespace {

constexpr std::size_t max_body = 16 * 1024 * 1024;

/// A thread's curl handle, and the sockets it has open, so that another thread can wake it.
class session {
public:
    session() : easy_(curl_easy_init()) {
        if (easy_ == nullptr)
            throw std::runtime_error("curl_easy_init failed");
    }
    ~session() { curl_easy_cleanup(easy_); }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    CURL* easy() const noexcept { return easy_; }

    /// Ends what is being sent and received. curl looks at its progress callback only about once a
    /// second while nothing arrives; a socket that was shut down wakes it at once.
    void interrupt() {
        const std::lock_guard lock(mutex_);
        for (const auto fd : sockets_)
            ::shutdown(fd, SHUT_RDWR);
    }

    static curl_socket_t open(void* self, curlsocktype, curl_sockaddr* address) {
        auto& that = *static_cast<session*>(self);
        const auto fd =
            ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
        if (fd < 0)
            return CURL_SOCKET_BAD;
        const std::lock_guard lock(that.mutex_);
        that.sockets_.insert(fd);
        return fd;
    }

    static int close(void* self, curl_socket_t fd) {
        auto& that = *static_cast<session*>(self);
        const std::lock_guard lock(that.mutex_);
        that.sockets_.erase(fd);
        return ::close(fd);
    }

private:
    CURL* easy_;
    std::mutex mutex_;
    std::set<curl_socket_t> sockets_;
};

std::size_t on_body(const char* data, std::size_t, std::size_t size, void* body) {
    auto& text = *static_cast<std::string*>(body);
    if (text.size() + size > max_body)
        return 0;
    text.append(data, size);
    return size;
}

int on_progress(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

/// True for the failures that may be gone a moment later: timeouts and connections.
bool is_transient(CURLcode code) {
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return true;
    default:
        return false;
    }
}

std::string describe(CURLcode code) {
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out";
    case CURLE_WRITE_ERROR:
        return "the body is larger than " + std::to_string(max_body) + " bytes";
    default:
        return curl_easy_strerror(code);
    }
}

std::string thread_name() {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    return name;
}

} // namespace

transfer_result transfer(std::stop_token stop, const transfer_request& request) {
    thread_local session own;
    transfer_result result;
    result.worker = thread_name();

    CURL* const easy = own.easy();
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, request.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &result.body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stop);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, session::open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &own);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, session::close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &own);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A resolver that hangs is left behind; otherwise neither timeout nor cancellation ends it.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (request.direct)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");

    const auto begin = std::chrono::steady_clock::now();
    CURLcode code = CURLE_OK;
    {
        const std::stop_callback wake(stop, [&own = own] { own.interrupt(); });
        code = curl_easy_perform(easy);
    }
    if (stop.stop_requested())
        throw ferry::cancelled_error();
    result.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result.status);
    if (code != CURLE_OK) {
        result.error = describe(code);
        result.transient = is_transient(code);
    } else {
        result.transient = result.status >= 500;
    }
    return result;
}

std::string url_error(const std::string& url) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
    if (parsed == nullptr)
        throw std::bad_alloc();
    const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
    return code == CURLUE_OK ? "" : curl_url_strerror(code);
}

curl_library::curl_library() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("curl_global_init failed");
}

curl_library::~curl_library() {
    curl_global_cleanup();
}

} // namespace fetcher
