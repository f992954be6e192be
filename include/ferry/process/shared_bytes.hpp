// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/serialize.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace ferry {

/// Bytes that do not change any more, for large arguments and results of worker processes: who gets
/// them has a view of the memory that they were written into, and does not copy them.
///
/// A result of 64 KiB and more is sealed against writing by anybody, the worker included, before
/// it is handed out. Arguments of that size are sealed against writing by anybody but their pool,
/// which writes to that memory no more while the worker has a copy of the object. If the system
/// cannot seal it, and where it is smaller, the bytes are copied. The memory lives as long as a
/// copy of the object.
///
/// @par Thread safety
/// As `std::shared_ptr<const T>`: copies may be used by several threads at once.
///
/// @par Exception safety
/// Copying never throws.
///
/// @par Example
/// @code
/// ferry::future<ferry::shared_bytes> decoded = pool.submit(decode, path); // returns shared_bytes
/// upload(decoded.result().span());
/// @endcode
class shared_bytes {
public:
    /// Makes an empty object.
    shared_bytes() noexcept = default;
    /// Copies the bytes.
    explicit shared_bytes(std::span<const std::byte> bytes) : size_(bytes.size()) {
        if (!bytes.empty()) {
            const std::shared_ptr<std::byte[]> own(new std::byte[bytes.size()]);
            std::memcpy(own.get(), bytes.data(), bytes.size());
            data_ = std::shared_ptr<const std::byte>(own, own.get());
        }
    }
    /// Copies the text.
    explicit shared_bytes(std::string_view text)
        : shared_bytes(std::as_bytes(std::span(text.data(), text.size()))) {}
    /// Refers to bytes that stay as they are while `data` lives.
    shared_bytes(std::shared_ptr<const std::byte> data, std::size_t size) noexcept
        : data_(std::move(data)), size_(size) {}

    const std::byte* data() const noexcept { return data_.get(); }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const std::byte* begin() const noexcept { return data(); }
    const std::byte* end() const noexcept { return data() + size_; }
    std::byte operator[](std::size_t i) const noexcept { return data()[i]; }
    std::span<const std::byte> span() const noexcept { return {data(), size_}; }
    operator std::span<const std::byte>() const noexcept { return span(); }
    /// The bytes as characters.
    std::string_view view() const noexcept {
        return {reinterpret_cast<const char*>(data()), size_};
    }

    /// Compares the bytes.
    friend bool operator==(const shared_bytes& a, const shared_bytes& b) noexcept {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    std::shared_ptr<const std::byte> data_;
    std::size_t size_ = 0;
};

namespace detail {

template <class Asked>
struct is_sendable<shared_bytes, Asked> : std::true_type {};

inline void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const shared_bytes& bytes) {
    ar.sink().put(static_cast<std::uint64_t>(bytes.size()));
    ar.sink().write(bytes.data(), bytes.size());
    ar.sink().give_away();
}
inline void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, shared_bytes& bytes) {
    const auto size = static_cast<std::size_t>(ar.source().get<std::uint64_t>());
    const auto* const at = reinterpret_cast<const std::byte*>(ar.take(size));
    if (const auto& owner = ar.source().owner(); owner != nullptr)
        bytes = shared_bytes(std::shared_ptr<const std::byte>(owner, at), size);
    else
        bytes = shared_bytes(std::span(at, size));
}

} // namespace detail
} // namespace ferry
