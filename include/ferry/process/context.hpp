// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/context_value.hpp>
#include <ferry/process/serialize.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ferry::detail {

/// Calls `encode` with an archive and returns the bytes that it wrote there.
FERRY_DECL std::string encoded_context_value(const std::function<void(output_archive&)>& encode);
FERRY_DECL void decode_context_value(std::string_view bytes,
                                     const std::function<void(input_archive&)>& decode);

/// Carries a value that can be sent.
template <class T>
struct sent_context {
    static std::string encode(const void* value) {
        return encoded_context_value(
            [value](output_archive& ar) { ar(*static_cast<const T*>(value)); });
    }
    static context_ptr decode(const context_key& key, std::string_view bytes, context_ptr outer) {
        T value{};
        decode_context_value(bytes, [&value](input_archive& ar) { ar(value); });
        return context_ptr(new context_entry_of<T>(key, std::move(value), std::move(outer)));
    }
    static constexpr context_codec codec{&encode, &decode};
};

template <class T>
struct context_codec_for<T, std::enable_if_t<sendable<T> && std::default_initializable<T>>> {
    using type = sent_context<T>;
};

/// The context that such bytes say; for a worker.
FERRY_DECL context_ptr decode_context(std::string_view bytes);

/// The longest context that is sent with a task.
inline constexpr std::size_t longest_context = 3072;

} // namespace ferry::detail
