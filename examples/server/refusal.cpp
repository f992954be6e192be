// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "refusal.hpp"

#include <ferry/process.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

using namespace std::chrono_literals;

namespace server {
namespace {

/// Rounds up to whole seconds, which is what `Retry-After` takes.
response come_again_after(std::chrono::nanoseconds time, const std::string& why) {
    response r = text(http::status::service_unavailable, why);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::clamp<>(time, 1ns, 1h + 0ns));
    r.set(http::field::retry_after, std::to_string(seconds.count()));
    return r;
}

} // namespace

response text(http::status status, std::string body) {
    response r;
    r.result(status);
    r.set(http::field::content_type, "text/plain; charset=utf-8");
    r.body() = std::move(body);
    if (!r.body().ends_with('\n'))
        r.body() += '\n';
    return r;
}

response refusal(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const ferry::queue_full_error& e) { // the pool is full, or the wait would be too long
        if (e.retry_after() == std::chrono::nanoseconds::max())
            return text(http::status::payload_too_large, "this can never be queued");
        return come_again_after(e.retry_after(), "too busy");
    } catch (const ferry::timeout_error&) { // it waited, or ran, for too long
        return come_again_after(1s, "this took too long");
    } catch (const ferry::worker_died&) { // another worker is started
        return come_again_after(1s, "the worker died");
    } catch (const ferry::cancelled_error&) { // at the end of `drain`
        return come_again_after(1s, "the server ends");
    } catch (const ferry::shutdown_error&) {
        return come_again_after(1s, "the server ends");
    } catch (const std::exception& e) {
        return text(http::status::internal_server_error, e.what());
    }
}

} // namespace server
