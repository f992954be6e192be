// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/context.hpp>

#include <ferry/context_hook.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/unhandled.hpp>

#include <mutex>

namespace ferry {
namespace detail {

constinit std::atomic<bool> contexts_used{false};

namespace {

constinit std::atomic<std::uint64_t> keys{0};
// Belongs to the innermost scope.
constinit thread_local const context_entry* current = nullptr;

/// What a hook has captured; always the innermost entry of what was captured.
class hook_entry final : public context_entry {
public:
    hook_entry(context_activation activate, context_ptr outer)
        : context_entry(nullptr, std::move(outer)), activate_(std::move(activate)) {}
    const void* value() const noexcept override { return &activate_; }
    std::shared_ptr<void> activate() const { return activate_(); }

private:
    const context_activation activate_;
};

struct hook {
    std::mutex mutex;
    std::shared_ptr<const context_capture> capture; // guarded by the mutex
    std::atomic<bool> installed{false};

    static hook& instance() {
        static auto* const h = new hook; // outlives what runs at exit
        return *h;
    }
};

context_activation capture_by_hook() {
    auto& h = hook::instance();
    if (!h.installed.load(std::memory_order_acquire))
        return {};
    std::shared_ptr<const context_capture> capture;
    {
        const std::lock_guard lock(h.mutex);
        capture = h.capture;
    }
    try {
        return capture != nullptr ? (*capture)() : context_activation();
    } catch (...) {
        report_or_unwind();
        return {};
    }
}

} // namespace

context_key::context_key(const context_codec* codec) noexcept
    : number_(keys.fetch_add(1, std::memory_order_relaxed) + 1), codec_(codec) {}

const void* find_in_context(std::uint64_t number) noexcept {
    for (const context_entry* e = current; e != nullptr; e = e->outer.get()) {
        if (e->number == number)
            return e->value();
    }
    return nullptr;
}

context_ptr current_values() noexcept {
    context_ptr values(current);
    return values != nullptr && values->number == 0 ? values->outer : values;
}

context_ptr with_capture_of_hook(context_ptr values) {
    if (context_activation activate = capture_by_hook())
        return context_ptr(new hook_entry(std::move(activate), std::move(values)));
    return values;
}

context_ptr capture_context_slowly() { return with_capture_of_hook(current_values()); }

context_scope::context_scope(context_ptr context) noexcept
    : context_(std::move(context)), outer_(std::exchange(current, context_.get())) {
    if (context_ == nullptr || context_->number != 0)
        return;
    try {
        activation_ = static_cast<const hook_entry&>(*context_).activate();
    } catch (...) {
        report_unhandled(std::current_exception());
    }
}

context_scope::~context_scope() {
    FERRY_ASSERT(current == context_.get()); // they nest
    activation_.reset();
    current = outer_;
}

} // namespace detail

context_capture set_context_hook(context_capture capture) {
    auto& h = detail::hook::instance();
    std::shared_ptr<const context_capture> next;
    if (capture)
        next = std::make_shared<const context_capture>(std::move(capture));
    const std::lock_guard lock(h.mutex);
    h.installed.store(next != nullptr, std::memory_order_release);
    if (next != nullptr)
        detail::use_contexts();
    const auto previous = std::exchange(h.capture, std::move(next));
    return previous != nullptr ? *previous : context_capture();
}

} // namespace ferry
