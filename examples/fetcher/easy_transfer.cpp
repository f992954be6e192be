// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "easy_transfer.hpp"

#include "curl_options.hpp"
#include "retry_rules.hpp"
#include "text.hpp"
#include "transfer_failures.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace fetcher {
namespace {

/// Whether the process has no descriptor left: not every part of libcurl says so.
bool descriptors_are_used_up() {
    const int fd = ::dup(STDERR_FILENO);
    if (fd >= 0)
        ::close(fd);
    return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

/// The name of a header, in lower case.
std::string name_of_header(const std::string& header) {
    std::string name = header.substr(0, header.find_first_of(":;"));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return name;
}

void append(header_list& list, const std::string& header) {
    curl_slist* const longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr)
        throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
}

} // namespace

std::string method_of(const job& what, const request_settings& settings) {
    if (!what.what.method.empty())
        return what.what.method;
    if (!settings.method.empty())
        return settings.method;
    return what.what.body || settings.body ? "POST" : "GET";
}

easy_transfer::easy_transfer(const transfer_settings& settings, CURLSH* share,
                             transfer_channel& channel)
    : settings_(settings), share_(share), channel_(channel),
      easy_(curl_easy_init(), curl_easy_cleanup) {
    if (easy_ == nullptr)
        throw std::runtime_error("curl_easy_init failed");
}

std::size_t easy_transfer::on_body(const char* data, std::size_t, std::size_t size, void* self) {
    auto& that = *static_cast<easy_transfer*>(self);
    if (that.settings_.check != check_kind::none) {
        long status = 0;
        curl_easy_getinfo(that.handle(), CURLINFO_RESPONSE_CODE, &status);
        if (status < 200 || status > 299)
            that.job_->body.demote();
    }
    that.body_ = that.job_->body.write({data, size});
    if (that.body_ == body_sink::verdict::later)
        return CURL_WRITEFUNC_PAUSE;
    return that.body_ == body_sink::verdict::good ? size : size + 1;
}

curl_socket_t easy_transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        static_cast<easy_transfer*>(self)->no_descriptor_ = true;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

void easy_transfer::begin(job_ptr what) {
    job_ = std::move(what);
    job_->begun = true;
    job_->body.on_room([&to = channel_, easy = handle()] { to.resume(easy); });
    body_ = body_sink::verdict::good;
    no_descriptor_ = false;
    error_[0] = '\0';
    if (!plain_)
        set_up();
    CURL* const easy = handle();
    curl_easy_setopt(easy, CURLOPT_URL, job_->what.url.c_str());
    // For TLS another stream rather than another connection.
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, job_->what.host.starts_with("https:") ? 1L : 0L);
    set_request();
    begun_ = std::chrono::steady_clock::now();
    if (job_->attempts.empty())
        job_->started = begun_;
}

// What is the same for all jobs: it takes longer than to hand over the rest of a request.
void easy_transfer::set_up() {
    CURL* const easy = handle();
    const request_settings& request = settings_.request;
    curl_easy_reset(easy);
    plain_ = true;
    curl_easy_setopt(easy, CURLOPT_USERAGENT, request.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, long(request.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, long(request.timeout.count()));
    if (request.stall_timeout) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*request.stall_timeout);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, long(seconds.count()));
    }
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SHARE, share_);
    // Read once and kept by the CURLM, which libcurl only does with no directory beside it.
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &easy_transfer::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &easy_transfer::on_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // a resolver that hangs is left behind
    if (settings_.buffer_size > 0)
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, settings_.buffer_size);
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); // instead of asking for it on the terminal
    for (const auto& each : request.curl)
        apply(easy, each);
}

void easy_transfer::set_request() {
    CURL* const easy = handle();
    const target& what = job_->what;
    const auto& body = what.body ? what.body : settings_.request.body;
    const std::string method = method_of(*job_, settings_.request);
    // A name and a password in a URL are not to be seen by the next target.
    plain_ = method == "GET" && !body && what.url.find('@') == std::string::npos;
    if (method == "HEAD") {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body->size()));
    } else if (method == "POST") {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(0));
    }
    if (method != "HEAD" && method != (body ? "POST" : "GET") && method != "POST")
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());

    headers_.reset();
    std::vector<std::string> own;
    for (const auto& each : what.headers) {
        own.push_back(name_of_header(each));
        append(headers_, each);
    }
    for (const auto& each : settings_.request.headers)
        if (std::find(own.begin(), own.end(), name_of_header(each)) == own.end())
            append(headers_, each);
    if (!job_->known.etag.empty())
        append(headers_, "If-None-Match: " + job_->known.etag);
    if (!job_->known.modified.empty())
        append(headers_, "If-Modified-Since: " + job_->known.modified);
    if (body)
        append(headers_, "Expect:"); // servers that do not know it cost a second each
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
}

std::string easy_transfer::header(const char* name) const {
    curl_header* found = nullptr;
    if (curl_easy_header(handle(), name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return {};
    return found->value;
}

void easy_transfer::measure() {
    CURL* const easy = handle();
    curl_off_t dns = 0, connected = 0, tls = 0, first = 0, total = 0;
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &dns);
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls);
    curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total);
    // Each is measured from the beginning, and 0 where the phase did not take place.
    connected = std::max(connected, dns);
    tls = std::max(tls, connected);
    first = first == 0 ? total : std::max(first, tls);
    using us = phase_times::duration;
    job_->times = {us(dns),         us(connected - dns), us(tls - connected),
                   us(first - tls), us(total - first),   us(total)};
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &job_->http_version);
    long redirects = 0;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirects);
    job_->final_url.clear();
    char* url = nullptr;
    if (redirects > 0 && curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK)
        job_->final_url = url;
}

// Only what is one line of text: the journal keeps it, and it is sent back.
void easy_transfer::keep_validators() {
    const auto usable = [this](const char* name) {
        std::string value = header(name);
        const bool plain = value.size() <= 1024 &&
                           std::all_of(value.begin(), value.end(),
                                       [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
        return plain ? value : std::string();
    };
    job_->answered = {usable("ETag"), usable("Last-Modified")};
}

void easy_transfer::judge_answer() {
    const bool good = job_->status >= 200 && job_->status <= 299;
    job_->retry_after.reset();
    if (job_->status == 304 && !job_->known.empty()) {
        job_->not_modified = true;
        return;
    }
    if (good && settings_.keep_validators)
        keep_validators();
    if (job_->status >= 300)
        if (const std::string text = header("Retry-After"); !text.empty())
            job_->retry_after = parse_retry_after(text, std::time(nullptr));
    if (!good && settings_.check != check_kind::none) {
        job_->why = failure::status;
        job_->error = "HTTP " + std::to_string(job_->status);
        char* url = nullptr;
        if (curl_easy_getinfo(handle(), CURLINFO_REDIRECT_URL, &url) == CURLE_OK && url != nullptr)
            job_->error += " to " + shortened(masked(url), 200) + " (-L follows)";
        else if (const std::string text = job_->body.beginning().text(); !text.empty())
            job_->error += ": " + text;
    } else if (const std::string wrong = job_->body.json_error(); !wrong.empty()) {
        job_->why = failure::json;
        job_->error = "invalid JSON: " + wrong;
        if (const std::string text = job_->body.beginning().text(); !text.empty())
            job_->error += ": " + text;
    } else if (!job_->body.needs_storing() && !job_->body.as_expected()) {
        job_->why = failure::checksum;
        job_->error = "the SHA-256 is " + job_->body.hash();
    }
}

// Whether the failure is the proxy's, and told as such. What it says is final or not as if the
// server had said it.
bool easy_transfer::judge_proxy(CURLcode code) {
    const std::string_view error = error_.data();
    long status = 0, detail = 0;
    curl_easy_getinfo(handle(), CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 300 && code != CURLE_OPERATION_TIMEDOUT) {
        job_->why = failure::status;
        job_->status = status;
        job_->error = "the proxy answered HTTP " + std::to_string(status);
    } else if (code == CURLE_PROXY) {
        curl_easy_getinfo(handle(), CURLINFO_PROXY_ERROR, &detail);
        if (is_permanent(static_cast<CURLproxycode>(detail)))
            job_->why = failure::other;
        job_->error = std::string("the proxy does not connect: ") + error_.data();
    } else if (error.starts_with("Unsupported proxy")) { // the text may contain its password
        job_->why = failure::other;
        job_->error = "the proxy that the environment names cannot be used: its scheme or name is "
                      "none that libcurl knows";
    } else {
        return false;
    }
    return true;
}

// No retry makes a numeric address one of the other family.
void easy_transfer::judge_family() {
    if (!is_of_other_family(job_->what.host, settings_.request))
        return;
    job_->why = failure::url;
    job_->error = "the address is not of the family that --ipv4 or --ipv6 asks for";
}

void easy_transfer::judge(CURLcode code) {
    job_->why = failure_of(code);
    job_->error.clear();
    job_->out_of_descriptors = false;
    curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &job_->status);
    if (code == CURLE_OK)
        return judge_answer();
    if (job_->status == 0 && (no_descriptor_ || descriptors_are_used_up())) {
        job_->why = failure::descriptors;
        job_->error = "no descriptor was left for a connection";
        job_->out_of_descriptors = true;
    } else if (body_ == body_sink::verdict::too_large) {
        job_->why = failure::too_large;
        job_->error = "the body is larger than --max-body";
    } else if (body_ == body_sink::verdict::not_written) {
        job_->why = failure::output;
        job_->error = job_->body.error();
        const std::string method = method_of(*job_, settings_.request);
        job_->out_of_descriptors =
            job_->body.lacked_descriptor() && (method == "GET" || method == "HEAD");
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        const bool stalled = std::strstr(error_.data(), "too slow") != nullptr;
        job_->why = stalled ? failure::stall : failure::timeout;
        job_->error = stalled ? "stalled" : "timed out";
    } else if (!judge_proxy(code)) {
        job_->error = curl_easy_strerror(code);
        long number = 0;
        curl_easy_getinfo(handle(), CURLINFO_OS_ERRNO, &number);
        if (job_->why == failure::connect && number != 0)
            job_->error += std::string(": ") + std::strerror(static_cast<int>(number));
        else if (job_->why == failure::connect || job_->why == failure::dns)
            judge_family();
        else if (job_->why == failure::tls && error_[0] != '\0')
            job_->error += std::string(": ") + error_.data();
    }
}

job_ptr easy_transfer::end(CURLcode code) {
    judge(code);
    measure();
    job_->cancelled = false;
    long connections = 0;
    curl_easy_getinfo(handle(), CURLINFO_NUM_CONNECTS, &connections);
    if (!job_->out_of_descriptors)
        job_->attempts.push_back(
            {job_->why, job_->status, job_->error, job_->times.total, connections});
    return std::move(job_);
}

job_ptr easy_transfer::cancel() {
    job_->cancelled = true;
    job_->why = failure::gave_up;
    job_->status = 0;
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begun_);
    job_->attempts.push_back({failure::gave_up, 0, "given up", elapsed, 0});
    return std::move(job_);
}

} // namespace fetcher
