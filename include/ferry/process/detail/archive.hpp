// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/bytes.hpp>

#include <cereal/cereal.hpp>
#include <cereal/types/common.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace ferry::detail {

/// How deep aggregates may contain each other, since both ends go down by recursion.
inline constexpr unsigned deepest_nesting = 1000;

/// Counts it.
class nesting {
public:
    explicit nesting(unsigned& depth) : depth_(depth) {
        if (depth == deepest_nesting)
            throw std::length_error("a value for another process is nested more than " +
                                    std::to_string(deepest_nesting) + " levels deep");
        ++depth;
    }
    ~nesting() { --depth_; }
    nesting(const nesting&) = delete;
    nesting& operator=(const nesting&) = delete;

private:
    unsigned& depth_;
};

/// A cereal archive that writes the memory of arithmetic types as it is: both ends are the same
/// program on the same machine.
class FERRY_DECL output_archive : public cereal::OutputArchive<output_archive> {
public:
    explicit output_archive(byte_sink& out) : OutputArchive(this), out_(out) {}
    void saveBinary(const void* data, std::size_t size) { out_.write(data, size); }
    byte_sink& sink() noexcept { return out_; }
    unsigned depth = 0;

private:
    byte_sink& out_;
};

/// Its counterpart. A container's size is checked against what is left before room is made for it.
class FERRY_DECL input_archive : public cereal::InputArchive<input_archive> {
public:
    explicit input_archive(byte_source& in) : InputArchive(this), in_(in) {}
    void loadBinary(void* data, std::size_t size) { in_.read(data, size); }
    const char* take(std::size_t size) { return in_.take(size); }
    byte_source& source() noexcept { return in_; }
    unsigned depth = 0;
    void check_count(std::uint64_t count) const {
        if (count > in_.remaining())
            in_.fail_short(static_cast<std::size_t>(count));
    }

private:
    byte_source& in_;
};

template <class T>
    requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& value) {
    ar.saveBinary(std::addressof(value), sizeof value);
}
template <class T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& value) {
    ar.loadBinary(std::addressof(value), sizeof value);
}
/// The other end may write any byte, and most of them are no bool.
inline void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, bool& value) {
    unsigned char byte = 0;
    ar.loadBinary(&byte, 1);
    if (byte > 1)
        throw std::runtime_error("a bool from another process is the byte " + std::to_string(byte));
    value = byte == 1;
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(output_archive& ar, cereal::NameValuePair<T>& pair) {
    ar(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(input_archive& ar, cereal::NameValuePair<T>& pair) {
    ar(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(output_archive& ar, cereal::SizeTag<T>& tag) {
    ar(tag.size);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(input_archive& ar, cereal::SizeTag<T>& tag) {
    ar(tag.size);
    ar.check_count(static_cast<std::uint64_t>(tag.size));
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const cereal::BinaryData<T>& data) {
    ar.saveBinary(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, cereal::BinaryData<T>& data) {
    ar.loadBinary(data.data, static_cast<std::size_t>(data.size));
}

/// Assigns bytes as they lie there to a container of such: cereal's way fills it with zeros first,
/// which a large one takes as long for as for the copy.
template <class Container>
void assign_from(Container& to, const typename Container::value_type* from, std::size_t size) {
    const std::size_t bytes = size * sizeof *from;
    if (bytes >= always_new && to.capacity() < size) {
        to.reserve(size);
        about_to_fill(to.data(), bytes);
    }
    to.assign(from, from + size);
}
template <class Traits, class A>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, std::basic_string<char, Traits, A>& text) {
    cereal::size_type size = 0;
    ar(cereal::make_size_tag(size));
    assign_from(text, ar.take(static_cast<std::size_t>(size)), static_cast<std::size_t>(size));
}
template <class T, class A>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, std::vector<T, A>& values) {
    cereal::size_type count = 0;
    ar(cereal::make_size_tag(count)); // which is no more than there are bytes
    const auto size = static_cast<std::size_t>(count);
    const char* const bytes = ar.take(size * sizeof(T));
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(T) == 0) {
        assign_from(values, reinterpret_cast<const T*>(bytes), size);
        return;
    }
    values.resize(size);
    if (size != 0)
        std::memcpy(values.data(), bytes, size * sizeof(T));
}

} // namespace ferry::detail
