// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "own_limits.hpp"

#include <ferry/process/detail/entry_point.hpp>

#include "process_usage.hpp"
#include "support/annotated_mutex.hpp"
#include "wire.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <sys/resource.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

class limit {
public:
    explicit limit(int resource) noexcept : resource_(resource) {}

    void set(rlim_t soft) noexcept {
        rlimit now{};
        if (::getrlimit(resource(), &now) != 0)
            return;
        before_ = now;
        now.rlim_cur = std::min(soft, now.rlim_cur);
        set_ = now;
        is_set_ = true;
        ::setrlimit(resource(), &now);
    }
    void lift() const noexcept {
        if (is_set_)
            ::setrlimit(resource(), &before_);
    }
    void restore() const noexcept {
        if (is_set_)
            ::setrlimit(resource(), &set_);
    }

private:
    __rlimit_resource_t resource() const noexcept {
        return static_cast<__rlimit_resource_t>(resource_);
    }

    int resource_;
    rlimit before_{};
    rlimit set_{};
    bool is_set_ = false;
};

std::atomic<bool> any{false};
annotated_mutex mutex;
limit open_files_limit FERRY_GUARDED_BY(mutex)(RLIMIT_NOFILE);
limit file_size_limit FERRY_GUARDED_BY(mutex)(RLIMIT_FSIZE);
unsigned lifted FERRY_GUARDED_BY(mutex) = 0;
std::atomic<std::uint64_t>* memory_refused = nullptr; // set once, before there are other threads

} // namespace

void set_own_limits(std::size_t open_files, std::size_t file_size) noexcept {
    const annotated_lock lock(mutex);
    if (open_files != 0)
        open_files_limit.set(open_files);
    if (file_size != 0) {
        struct sigaction standard{};
        standard.sa_handler = SIG_DFL;
        ::sigaction(SIGXFSZ, &standard, nullptr);
        file_size_limit.set(file_size);
    }
    any.store(open_files != 0 || file_size != 0);
}

void limit_own_memory(std::atomic<std::uint64_t>& used) noexcept { memory_refused = &used; }

void call_failed(const std::exception_ptr& error) noexcept {
    if (memory_refused == nullptr)
        return;
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_array_new_length&) { // a wrong length, and no shortage of memory
    } catch (const std::bad_alloc&) {
        const limits_lifted own;
        const auto m = memory_of(::getpid());
        memory_refused->store(std::max<std::uint64_t>(m ? m->anonymous : 0, 1));
        std::fflush(stdout);
        ::_exit(wire::exit_no_memory);
    } catch (...) {
    }
}

limits_lifted::limits_lifted() noexcept {
    if (!any.load(std::memory_order_relaxed))
        return;
    const annotated_lock lock(mutex);
    if (lifted++ == 0) {
        open_files_limit.lift();
        file_size_limit.lift();
    }
}

limits_lifted::~limits_lifted() {
    if (!any.load(std::memory_order_relaxed))
        return;
    const annotated_lock lock(mutex);
    if (--lifted == 0) {
        open_files_limit.restore();
        file_size_limit.restore();
    }
}

} // namespace ferry::detail
