// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "frame.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace ferry::detail::cluster {
namespace {

constexpr std::uint32_t magic = 0x59525246; // "FRRY"
constexpr std::uint8_t version = 1;

// The number of an alternative of the variant is the kind of the frame on the wire.
template <class F, std::size_t I = 0>
constexpr std::uint8_t kind_of() {
    if constexpr (std::is_same_v<F, std::variant_alternative_t<I, frame>>)
        return static_cast<std::uint8_t>(I + 1);
    else
        return kind_of<F, I + 1>();
}

struct malformed {
    const char* why;
};

// ---- One description of each frame, for both directions -----------------------------------------

class writer {
public:
    template <class T>
        requires std::is_arithmetic_v<T>
    void operator()(const T& value) {
        static_assert(std::endian::native == std::endian::little, "frames are in little endian");
        put(&value, sizeof value);
    }
    template <class E>
        requires std::is_enum_v<E>
    void operator()(const E& value, E) {
        (*this)(static_cast<std::underlying_type_t<E>>(value));
    }
    void text(const std::string& t, std::size_t longest) {
        const auto size = static_cast<std::uint16_t>(std::min(t.size(), longest));
        (*this)(size);
        put(t.data(), size);
    }
    void numbers(const std::vector<std::uint64_t>& n) {
        const auto size = static_cast<std::uint32_t>(std::min(n.size(), most_numbers));
        (*this)(size);
        put(n.data(), size * sizeof n[0]);
    }
    void rest(std::span<const std::byte> bytes) { put(bytes.data(), bytes.size()); }
    void reserve(std::size_t size) { out_.reserve(size); }
    std::vector<std::byte> take() { return std::move(out_); }

private:
    void put(const void* data, std::size_t size) {
        const auto* const at = static_cast<const std::byte*>(data);
        out_.insert(out_.end(), at, at + size);
    }

    std::vector<std::byte> out_;
};

class reader {
public:
    explicit reader(std::span<const std::byte> in) : in_(in) {}

    template <class T>
        requires std::is_arithmetic_v<T>
    void operator()(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            get(&byte, 1);
            if (byte > 1)
                throw malformed{"a flag is neither 0 nor 1"};
            value = byte != 0;
        } else {
            get(&value, sizeof value);
        }
    }
    template <class E>
        requires std::is_enum_v<E>
    void operator()(E& value, E last) {
        std::underlying_type_t<E> number{};
        (*this)(number);
        if (number > static_cast<std::underlying_type_t<E>>(last))
            throw malformed{"an unknown value of an enumeration"};
        value = static_cast<E>(number);
    }
    void text(std::string& t, std::size_t longest) {
        std::uint16_t size = 0;
        (*this)(size);
        if (size > longest)
            throw malformed{"a text is too long"};
        check(size);
        t.assign(reinterpret_cast<const char*>(in_.data()), size);
        in_ = in_.subspan(size);
    }
    void numbers(std::vector<std::uint64_t>& n) {
        std::uint32_t size = 0;
        (*this)(size);
        if (size > most_numbers)
            throw malformed{"too many numbers"};
        check(size * sizeof(std::uint64_t));
        n.resize(size);
        get(n.data(), size * sizeof(std::uint64_t));
    }
    void rest(std::span<const std::byte>& bytes) { bytes = std::exchange(in_, {}); }
    bool at_end() const noexcept { return in_.empty(); }

private:
    void check(std::size_t size) const {
        if (size > in_.size())
            throw malformed{"it ends too early"};
    }
    void get(void* to, std::size_t size) {
        check(size);
        if (size != 0)
            std::memcpy(to, in_.data(), size);
        in_ = in_.subspan(size);
    }

    std::span<const std::byte> in_;
};

void check_prefix(const std::string& name, const char* prefix) {
    if (!name.starts_with(prefix) ||
        std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x21 || c > 0x7e; }))
        throw malformed{"the name of a queue is none of Ferry's"};
}

template <class Io, class Name>
void queue_name(Io& io, Name& name, const char* prefix) {
    io.text(name, longest_queue_name);
    if constexpr (std::is_same_v<Io, reader>)
        check_prefix(name, prefix);
}

template <class Io, class Duration>
void duration(Io& io, Duration& d) {
    using plain = std::remove_const_t<Duration>;
    std::int64_t count = d.count();
    io(count);
    if constexpr (std::is_same_v<Io, reader>) {
        if (count < 0)
            throw malformed{"a duration is negative"};
        d = plain(count);
    }
}

template <class Io, class Key>
void key(Io& io, Key& k) {
    io(k.name);
    io(k.module);
    io(k.offset);
}

template <class Io, class F>
void fields(Io& io, F& f) {
    using plain = std::remove_const_t<F>;
    if constexpr (std::is_same_v<plain, task_frame>) {
        queue_name(io, f.id.reply_to, reply_prefix);
        io(f.id.number);
        io(f.id.round);
        io(f.attempt);
        io(f.stops);
        io(f.idempotent);
        io(f.wants_progress);
        bool limited = f.timeout.has_value();
        io(limited);
        auto limit = f.timeout.value_or(std::chrono::nanoseconds(0));
        duration(io, limit);
        if constexpr (std::is_same_v<Io, reader>)
            f.timeout = limited ? std::optional(limit) : std::nullopt;
        io.text(f.label, longest_text);
        key(io, f.entry);
        key(io, f.function);
        io.rest(f.arguments);
    } else if constexpr (std::is_same_v<plain, cancel_frame>) {
        queue_name(io, f.reply_to, reply_prefix);
        io(f.only_ask_to_stop);
        io.numbers(f.numbers);
    } else if constexpr (std::is_same_v<plain, ask_frame> || std::is_same_v<plain, who_frame>) {
        queue_name(io, f.reply_to, reply_prefix);
    } else if constexpr (std::is_same_v<plain, started_frame>) {
        io(f.number);
        io(f.round);
        queue_name(io, f.host, host_prefix);
        duration(io, f.beat);
    } else if constexpr (std::is_same_v<plain, outcome_frame>) {
        io(f.number);
        io(f.round);
        io(f.kind, outcome_kind::died);
        duration(io, f.run_time);
        io.rest(f.bytes);
    } else if constexpr (std::is_same_v<plain, declined_frame>) {
        io(f.number);
        io(f.round);
        io(f.reason, decline_reason::redelivered);
    } else if constexpr (std::is_same_v<plain, beat_frame>) {
        queue_name(io, f.host, host_prefix);
        duration(io, f.beat);
        io.numbers(f.running);
        io.numbers(f.held);
        if constexpr (std::is_same_v<Io, reader>) {
            if (f.running.size() % 2 != 0 || f.held.size() % 2 != 0)
                throw malformed{"a task without a round"};
        }
    } else if constexpr (std::is_same_v<plain, progress_frame>) {
        io(f.number);
        io(f.done);
        io.text(f.note, longest_text);
    } else {
        static_assert(std::is_same_v<plain, announce_frame>);
        queue_name(io, f.host, host_prefix);
        io.text(f.build, longest_queue_name);
        io.text(f.version, 64);
        io(f.workers);
        io(f.pid);
        io(f.leaving);
    }
}

template <std::size_t I = 0>
frame read_kind(std::uint8_t kind, reader& in) {
    if constexpr (I == std::variant_size_v<frame>) {
        throw malformed{"an unknown kind of frame"};
    } else {
        if (kind != I + 1)
            return read_kind<I + 1>(kind, in);
        std::variant_alternative_t<I, frame> f;
        fields(in, f);
        return f;
    }
}

} // namespace

std::vector<std::byte> write_frame(const frame& f) {
    writer out;
    std::visit(
        [&out](const auto& one) {
            using kind = std::remove_cvref_t<decltype(one)>;
            if constexpr (std::is_same_v<kind, task_frame>)
                out.reserve(one.arguments.size() + one.label.size() + one.id.reply_to.size() + 128);
            else if constexpr (std::is_same_v<kind, outcome_frame>)
                out.reserve(one.bytes.size() + 64);
            out(magic);
            out(version);
            out(kind_of<kind>());
            fields(out, one);
        },
        f);
    return out.take();
}

std::optional<frame> read_frame(std::span<const std::byte> bytes, std::string& why) {
    try {
        reader in(bytes);
        std::uint32_t m = 0;
        std::uint8_t v = 0;
        std::uint8_t kind = 0;
        in(m);
        if (m != magic)
            throw malformed{"it does not begin as a frame"};
        in(v);
        if (v != version)
            throw malformed{"it is of another version of the protocol"};
        in(kind);
        frame f = read_kind(kind, in);
        if (!in.at_end())
            throw malformed{"something follows it"};
        return f;
    } catch (const malformed& m) {
        why = m.why;
        return std::nullopt;
    }
}

} // namespace ferry::detail::cluster
