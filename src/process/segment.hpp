// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/bytes.hpp>

#include "descriptor.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace ferry::detail {

/// From how many bytes on a payload travels in a shared mapping.
inline constexpr std::size_t large_payload = 64 * 1024;

/// Memory that two processes share: an anonymous file, and its mapping here. The creator writes,
/// the other side reads. Pages stay populated while it is recycled; a fresh one would cost ten
/// times the copy.
class segment {
public:
    /// At the start of the mapping.
    struct header {
        std::atomic<std::uint32_t> in_use;  ///< set by the creator, cleared by who has read it
        std::atomic<std::uint32_t> retired; ///< the creator has let go of it
    };
    static constexpr std::size_t header_size = 64;

    /// A new one. Errors: `std::system_error`.
    segment(std::uint32_t id, std::size_t capacity);
    /// The mapping of another process's. Errors: `std::system_error`.
    segment(std::uint32_t id, descriptor file, std::size_t capacity);
    ~segment();
    segment(const segment&) = delete;
    segment& operator=(const segment&) = delete;

    std::uint32_t id() const noexcept { return id_; }
    std::size_t capacity() const noexcept { return capacity_; }
    int file() const noexcept { return file_.get(); }
    header& head() const noexcept { return *reinterpret_cast<header*>(memory_); }
    std::byte* data() const noexcept { return memory_ + header_size; }
    /// Makes room for at least so many bytes; the mapping may move. Errors: `std::system_error`.
    void grow(std::size_t at_least);
    /// Frees the memory, though others still have it mapped.
    void retire() noexcept;

private:
    const std::uint32_t id_;
    descriptor file_;
    std::size_t capacity_;
    std::byte* memory_;
};

/// Segments to write to, recycled. Thread safety: safe.
class segment_store {
public:
    /// Keeps up to so many that are not in use.
    explicit segment_store(std::size_t keep) : keep_(keep) {}
    ~segment_store();

    /// One that nobody reads, of at least that capacity. Errors: `std::system_error`.
    segment_ptr acquire(std::size_t at_least);
    /// Takes it back; it may still be read while its header says so.
    void release(segment_ptr s) noexcept;

private:
    static constexpr std::size_t keep_bytes = std::size_t(256) << 20;

    const std::size_t keep_;
    std::mutex mutex_;              // guards what follows
    std::vector<segment_ptr> free_; // the last one was used last
    std::uint32_t last_id_ = 0;
};

/// The segments that one process has received from another, mapped here. Not thread-safe.
class received_segments {
public:
    /// Maps one that was announced, and forgets those that their creator has let go of.
    /// Errors: `std::system_error`.
    void add(std::uint32_t id, descriptor file, std::size_t capacity);
    /// Null while it has not arrived, or not with that size.
    std::shared_ptr<segment> find(std::uint32_t id, std::size_t size) const;

private:
    std::map<std::uint32_t, std::shared_ptr<segment>> known_;
};

} // namespace ferry::detail
