// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>

#include "scheduling.hpp"
#include "worker_channel.hpp"
#include "worker_program.hpp"

#include <cstdint>
#include <memory>

namespace ferry::detail {

/// Makes the worker processes of a pool as its options say. Immutable.
class worker_factory {
public:
    /// Keeps a reference to the options. Workers will run as the calling thread does, but for what
    /// the options say. Errors: `std::invalid_argument` if there is no such program, or if it
    /// cannot have the code of the initializer or the finalizer.
    explicit worker_factory(const process_pool_options& options);

    const worker_program& program() const noexcept { return program_; }
    /// Starts a process, which gets the calls of its start from the store. Errors:
    /// `std::system_error`, `std::runtime_error`, `std::bad_alloc`.
    std::unique_ptr<worker_channel> make(std::uint32_t id, segment_store& store) const;

private:
    const process_pool_options& options_;
    const worker_program program_;
    const int depth_; // of pools in the workers of pools
    const scheduling how_scheduled_;
};

} // namespace ferry::detail
