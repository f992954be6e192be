// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace ferry::detail {

class segment;
class segment_store;
struct FERRY_DECL segment_deleter {
    void operator()(segment* s) const noexcept;
};
using segment_ptr = std::unique_ptr<segment, segment_deleter>;

/// Encoded bytes on their way: on the heap, or, where there is much and a shared mapping is free,
/// in that.
class FERRY_DECL payload {
public:
    payload() noexcept = default;
    explicit payload(std::span<const std::byte> bytes);
    payload(std::unique_ptr<std::byte[]> bytes, std::size_t size) noexcept;
    payload(segment_ptr s, std::size_t size, segment_store& home) noexcept;
    payload(payload&& o) noexcept
        : heap_(std::move(o.heap_)), segment_(std::move(o.segment_)), home_(o.home_),
          size_(std::exchange(o.size_, 0)) {}
    payload& operator=(payload&& o) noexcept {
        payload other(std::move(o));
        std::swap(heap_, other.heap_);
        std::swap(segment_, other.segment_);
        std::swap(home_, other.home_);
        std::swap(size_, other.size_);
        return *this;
    }
    /// Gives the mapping back to its store.
    ~payload();

    std::size_t size() const noexcept { return size_; }
    /// The mapping, or null when the bytes are on the heap.
    segment* shared() const noexcept { return segment_.get(); }
    std::span<const std::byte> bytes() const noexcept;
    /// Takes the mapping away from its store.
    segment_ptr give_away() noexcept;

private:
    std::unique_ptr<std::byte[]> heap_;
    segment_ptr segment_;
    segment_store* home_ = nullptr;
    std::size_t size_ = 0;
};

/// Where an archive writes: starts in room of its own, goes on on the heap, and moves to a shared
/// mapping of `store` when there is much and one is free. Not thread-safe.
class FERRY_DECL byte_sink {
public:
    explicit byte_sink(segment_store& store) noexcept : store_(&store) {}
    /// Gives a mapping that was not handed on back to its store.
    ~byte_sink();
    byte_sink(const byte_sink&) = delete;
    byte_sink& operator=(const byte_sink&) = delete;

    void write(const void* data, std::size_t size) {
        if (size > static_cast<std::size_t>(end_ - at_))
            grow(size);
        if (size != 0) // nothing may be at no address
            std::memcpy(at_, data, size);
        at_ += size;
    }
    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        write(&value, sizeof value);
    }

    std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
    std::span<const std::byte> bytes() const noexcept { return {begin_, size()}; }
    /// Forgets what was written behind the first `size` bytes.
    void truncate(std::size_t size) noexcept { at_ = begin_ + size; }
    /// Overwrites what was written at `offset`.
    template <class T>
    void put_at(std::size_t offset, const T& value) {
        std::memcpy(begin_ + offset, &value, sizeof value);
    }

    /// Says that the reader wants to keep the mapping.
    void give_away() noexcept { given_away_ = true; }
    bool is_given_away() const noexcept { return given_away_; }

    /// The bytes; the sink is empty afterwards.
    payload finish();

private:
    void grow(std::size_t more);

    std::byte room_[512];
    std::byte* begin_ = room_;
    std::byte* at_ = room_;
    std::byte* end_ = room_ + sizeof room_;
    segment_store* store_;
    std::unique_ptr<std::byte[]> heap_;
    segment_ptr segment_;
    bool refused_ = false; // no mapping is free
    bool given_away_ = false;
};

/// Where an archive reads from. Errors: `std::runtime_error` when the bytes end too early.
class FERRY_DECL byte_source {
public:
    /// With `owner` the bytes never change, and may be used while that lives.
    explicit byte_source(std::span<const std::byte> bytes,
                         std::shared_ptr<const void> owner = nullptr) noexcept
        : at_(bytes.data()), end_(bytes.data() + bytes.size()), owner_(std::move(owner)) {}

    void read(void* data, std::size_t size) {
        if (size > remaining())
            fail_short(size);
        if (size != 0)
            std::memcpy(data, at_, size);
        at_ += size;
    }
    template <class T>
    T get() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value;
        read(&value, sizeof value);
        return value;
    }
    /// The next bytes where they are.
    const char* take(std::size_t size) {
        if (size > remaining())
            fail_short(size);
        const auto* const start = reinterpret_cast<const char*>(at_);
        at_ += size;
        return start;
    }
    std::string get_string();
    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

    [[noreturn]] void fail_short(std::size_t wanted) const;

private:
    const std::byte* at_;
    const std::byte* end_;
    std::shared_ptr<const void> owner_;
};

FERRY_DECL void put_string(byte_sink& out, const std::string& text);

/// From how many bytes on a block of memory always comes anew from the kernel, with glibc's
/// allocator; smaller ones it soon uses again.
inline constexpr std::size_t always_new = std::size_t(32) << 20;
/// Says that such a block is about to be filled: the kernel then gives it in large pages where it
/// can, which takes a fraction of the time. Changes nothing else.
FERRY_DECL void about_to_fill(void* at, std::size_t size) noexcept;

} // namespace ferry::detail
