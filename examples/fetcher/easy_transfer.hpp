// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"
#include "transfer_many.hpp"

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>

namespace fetcher {

using header_list = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

/// One transfer within a `CURLM`: a curl handle, used for one job after another.
/// Thread safety: unsafe; lives in one worker.
class easy_transfer {
public:
    /// Throws `std::runtime_error`.
    easy_transfer(const transfer_settings& settings, CURLSH* share, transfer_channel& channel);
    easy_transfer(const easy_transfer&) = delete;
    easy_transfer& operator=(const easy_transfer&) = delete;

    /// Makes the handle ready for a job, to be added to a `CURLM`.
    void begin(job_ptr what);
    /// The job, with all that is to be told about the attempt. The handle must have been removed.
    job_ptr end(CURLcode code);
    /// The job, with nothing but the time that it took.
    job_ptr cancel();

    CURL* handle() const noexcept { return easy_.get(); }

private:
    static std::size_t on_body(const char* data, std::size_t, std::size_t size, void* self);
    static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address);
    void set_up();
    void set_request();
    void judge(CURLcode code);
    void judge_answer();
    bool judge_proxy(CURLcode code);
    void judge_family();
    void keep_validators();
    void measure();
    std::string header(const char* name) const;

    const transfer_settings& settings_;
    CURLSH* const share_;
    transfer_channel& channel_;
    const std::unique_ptr<CURL, void (*)(CURL*)> easy_;
    header_list headers_{nullptr, curl_slist_free_all};
    bool plain_ = false; // set up, and nothing but a GET was asked for since then
    job_ptr job_;
    std::chrono::steady_clock::time_point begun_;
    body_sink::verdict body_ = body_sink::verdict::good;
    bool no_descriptor_ = false;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

} // namespace fetcher
