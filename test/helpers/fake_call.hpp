// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include <exception>
#include <memory>
#include <typeinfo>
#include <utility>

namespace ferry::detail {

/// A call to a process that no pool runs; for stepping through what pools keep of calls.
class fake_call final : public shared_state<void>, public remote_call {
public:
    explicit fake_call(std::shared_ptr<call_host> host = nullptr) noexcept
        : remote_call(*this, std::move(host), typeid(void), true) {}

    // Both bases have these.
    friend void intrusive_ptr_add_ref(fake_call* c) noexcept {
        intrusive_ptr_add_ref(static_cast<shared_state_base*>(c));
    }
    friend void intrusive_ptr_release(fake_call* c) noexcept {
        intrusive_ptr_release(static_cast<shared_state_base*>(c));
    }

    void finish(byte_source&) noexcept override {}
    void finish_with_error(byte_source&) noexcept override {}
    void fail(std::exception_ptr) noexcept override {}
    void finish_cancelled() noexcept override {}
    void refuse(const std::exception_ptr&) noexcept override {}
    void run_callbacks() override {}
};

using fake_call_ptr = boost::intrusive_ptr<fake_call>;

} // namespace ferry::detail
