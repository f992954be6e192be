// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/cluster/serve_cluster_worker.hpp>

#include "worker_host.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace ferry {
namespace {

std::atomic<detail::cluster::worker_host*> host_in_charge{nullptr};

extern "C" void on_end_signal(int) {
    const int saved = errno;
    if (auto* const host = host_in_charge.load())
        host->ask_to_end();
    errno = saved;
}

/// Handles the two signals while it lives.
class signal_scope {
public:
    explicit signal_scope(detail::cluster::worker_host& host) {
        detail::cluster::worker_host* nobody = nullptr;
        if (!host_in_charge.compare_exchange_strong(nobody, &host))
            throw std::logic_error("serve_cluster_worker: it is running already in this process");
        struct sigaction action{};
        action.sa_handler = on_end_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGTERM, &action, &before_term_);
        ::sigaction(SIGINT, &action, &before_int_);
    }
    ~signal_scope() {
        ::sigaction(SIGTERM, &before_term_, nullptr);
        ::sigaction(SIGINT, &before_int_, nullptr);
        host_in_charge = nullptr;
    }
    signal_scope(const signal_scope&) = delete;
    signal_scope& operator=(const signal_scope&) = delete;

private:
    struct sigaction before_term_{};
    struct sigaction before_int_{};
};

} // namespace

int serve_cluster_worker(cluster_options options, cluster_worker_options worker_options) {
    detail::cluster::worker_host host(std::move(options), std::move(worker_options));
    const signal_scope signals(host);
    return host.run();
}

} // namespace ferry
