// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/delivery.hpp>

namespace ferry::detail {

boost::asio::execution_context::id delivery_service::id;

void delivery_registry::finish(delivery& d, bool* abandoned) {
    {
        const std::lock_guard lock(mutex);
        if (waiting.erase(&d) == 0)
            return;
        if (abandoned != nullptr)
            *abandoned = true;
        ++posting;
    }
    d.post();
    const std::lock_guard lock(mutex);
    if (--posting == 0 && closed)
        idle.notify_all();
}

void delivery_service::shutdown() {
    std::unordered_map<delivery*, std::shared_ptr<delivery>> orphans;
    {
        std::unique_lock lock(registry->mutex);
        registry->closed = true;
        registry->idle.wait(lock, [this] { return registry->posting == 0; });
        orphans.swap(registry->waiting);
    }
    for (const auto& [key, d] : orphans)
        d->drop();
}

} // namespace ferry::detail
