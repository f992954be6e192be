// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/context.hpp>

#include <ferry/process/detail/code.hpp>
#include <ferry/process/detail/task.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace ferry::detail {

std::string encoded_context_value(const std::function<void(output_archive&)>& encode) {
    const auto bytes = encode_alone([&](byte_sink& out) {
        output_archive ar(out);
        encode(ar);
    });
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void decode_context_value(std::string_view bytes,
                          const std::function<void(input_archive&)>& decode) {
    byte_source in(std::as_bytes(std::span(bytes.data(), bytes.size())));
    input_archive ar(in);
    decode(ar);
}

namespace {

struct sent_value {
    code_ref key;
    std::string bytes;
};

// Returns the innermost value of each key, the outermost first. A value is left out if its key is
// in no module, because a worker process could not find the key.
std::vector<sent_value> values_to_send() {
    std::vector<sent_value> values;
    std::vector<std::uint64_t> seen;
    const context_ptr innermost = current_values();
    for (const context_entry* e = innermost.get(); e != nullptr; e = e->outer.get()) {
        if (e->number == 0 || std::ranges::find(seen, e->number) != seen.end())
            continue;
        seen.push_back(e->number);
        if (e->codec == nullptr)
            continue;
        try {
            values.push_back({locate(e->key), e->codec->encode(e->value())});
        } catch (const std::invalid_argument&) { // the key is on a stack or on the heap
        }
    }
    std::ranges::reverse(values);
    return values;
}

} // namespace

std::string encode_context() {
    const std::vector<sent_value> values = values_to_send();
    if (values.empty())
        return {};
    const auto bytes = encode_alone([&](byte_sink& out) {
        out.put(static_cast<std::uint32_t>(values.size()));
        for (const sent_value& v : values) {
            put_code(out, v.key);
            out.put(static_cast<std::uint32_t>(v.bytes.size()));
            out.write(v.bytes.data(), v.bytes.size());
        }
    });
    if (bytes.size() > longest_context)
        throw std::length_error(
            "the values of the context that follow a task to a worker process take " +
            std::to_string(bytes.size()) + " bytes; the most is " +
            std::to_string(longest_context));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

context_ptr decode_context(std::string_view bytes) {
    byte_source in(std::as_bytes(std::span(bytes.data(), bytes.size())));
    context_ptr context;
    for (auto left = in.get<std::uint32_t>(); left != 0; --left) {
        const auto* const key = static_cast<const context_key*>(get_code(in));
        std::string value(in.get<std::uint32_t>(), '\0');
        in.read(value.data(), value.size());
        // The number is zero while the key has not been constructed yet.
        if (key->number() != 0 && key->codec() != nullptr)
            context = key->codec()->decode(*key, value, std::move(context));
    }
    if (context != nullptr)
        use_contexts();
    return context;
}

} // namespace ferry::detail
