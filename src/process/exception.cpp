// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/process/detail/error_code.hpp>

#include "exception_builders.hpp"
#include "type_bases.hpp"

#include <boost/asio/multiple_exceptions.hpp>

#include <algorithm>
#include <cxxabi.h>
#include <filesystem>
#include <future>
#include <regex>
#include <stdexcept>

namespace ferry::detail {
namespace {

using std::filesystem::filesystem_error;

// The longest chain of nested exceptions, and the most exceptions that one group or chain contains.
constexpr int deepest = 64;
constexpr unsigned most_inner = 1000;

// ---- What an exception is -----------------------------------------------------------------------

// Returns the text without the message of its code, which a system error appends.
std::string without(const std::string& text, const std::string& appended) {
    const std::string tail = ": " + appended;
    if (text == appended)
        return {};
    return text.ends_with(tail) ? text.substr(0, text.size() - tail.size()) : text;
}

std::string message_of(const filesystem_error& e) {
    std::string text = e.what(); // "filesystem error: text: code [path] [path]"
    if (constexpr std::string_view prefix = "filesystem error: "; text.starts_with(prefix))
        text.erase(0, prefix.size());
    if (const auto at = text.rfind(": " + e.code().message()); at != std::string::npos)
        text.erase(at);
    return text;
}

struct described {
    std::string type;    // mangled
    bool remote = false; // it came from a worker, so the name of its type is demangled already
    remote_exception known;
};

void describe(const std::exception& e, described& d) {
    auto& k = d.known;
    k.what = k.message = e.what();
    if (const auto* b = dynamic_cast<const boost::system::system_error*>(&e)) {
        k.boost_code = b->code();
        k.message = without(k.what, b->code().what());
    } else if (const auto* s = dynamic_cast<const std::system_error*>(&e)) {
        k.standard_code = s->code();
        k.message = without(k.what, s->code().message());
    }
    if (const auto* f = dynamic_cast<const filesystem_error*>(&e)) {
        k.message = message_of(*f);
        k.texts = {f->path1().string(), f->path2().string()};
    } else if (const auto* n = dynamic_cast<const std::future_error*>(&e)) {
        k.standard_code = n->code();
    } else if (const auto* r = dynamic_cast<const std::regex_error*>(&e)) {
        k.numbers[0] = static_cast<std::int64_t>(r->code());
    } else if (const auto* t = dynamic_cast<const timeout_error*>(&e)) {
        k.numbers = {static_cast<std::int64_t>(t->unfinished()),
                     static_cast<std::int64_t>(t->total())};
    } else if (const auto* c = dynamic_cast<const circuit_open_error*>(&e)) {
        k.numbers[0] = c->retry_after().count();
    } else if (const auto* w = dynamic_cast<const worker_died*>(&e)) {
        k.numbers = {w->pid(),
                     w->exit_code().has_value(),
                     w->exit_code().value_or(0),
                     w->signal().has_value(),
                     w->signal().value_or(0),
                     w->usage().cpu_time.count(),
                     static_cast<std::int64_t>(w->usage().peak_memory),
                     w->attempt()};
        k.texts = {w->label(), w->stderr_tail()};
    } else if (const auto* f = dynamic_cast<const queue_full_error*>(&e)) {
        k.numbers = {static_cast<std::int64_t>(f->queued()), f->retry_after().count()};
    } else if (const auto* q = dynamic_cast<const quarantined_error*>(&e)) {
        k.numbers = {q->deaths(), q->until().time_since_epoch().count()};
        k.texts[0] = q->label();
    } else if (const auto* g = dynamic_cast<const exception_group*>(&e)) {
        k.inner = g->exceptions();
    } else if (const auto* m = dynamic_cast<const boost::asio::multiple_exceptions*>(&e)) {
        k.inner = {m->first_exception()};
    } else if (const auto* x = dynamic_cast<const remote_error*>(&e)) {
        d.remote = true;
        d.type = x->type_name();
    }
}

described describe(const std::exception_ptr& error) {
    described d;
    try {
        std::rethrow_exception(error);
    } catch (...) {
        if (const std::type_info* const type = abi::__cxa_current_exception_type()) {
            d.type = unwrapped(*type).name();
            d.known.wrapped = is_boost_wrapper(*type);
        }
    }
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        describe(e, d);
    } catch (const std::string& text) {
        d.known.what = text;
    } catch (const char* text) {
        d.known.what = text != nullptr ? text : "";
    } catch (int number) {
        d.known.what = std::to_string(number);
    } catch (...) {
        d.known.what = "not a std::exception";
    }
    try {
        std::rethrow_exception(error);
    } catch (const std::nested_exception& e) {
        d.known.nested = e.nested_ptr();
    } catch (...) {
    }
    return d;
}

// ---- Bytes --------------------------------------------------------------------------------------

void put(byte_sink& out, const std::exception_ptr& error, int depth, unsigned& count);

void put_one(byte_sink& out, const std::exception_ptr& error, int depth, unsigned& count) {
    ++count;
    const described d = describe(error);
    const auto& k = d.known;
    put_string(out, d.type);
    out.put(d.remote);
    out.put(k.wrapped);
    put_string(out, k.what);
    put_string(out, k.message);
    put_error_code(out, k.standard_code);
    put_error_code(out, k.boost_code);
    out.put(k.numbers);
    for (const auto& text : k.texts)
        put_string(out, text);
    put(out, k.nested, depth + 1, count);
    std::size_t inner = 0;
    if (depth < deepest && count < most_inner)
        inner = std::min<std::size_t>(k.inner.size(), most_inner - count);
    out.put(static_cast<std::uint64_t>(inner));
    for (std::size_t i = 0; i != inner; ++i)
        put(out, k.inner[i], depth + 1, count);
}

void put(byte_sink& out, const std::exception_ptr& error, int depth, unsigned& count) {
    const bool is_there = error != nullptr && depth < deepest && count < most_inner;
    out.put(is_there);
    if (is_there)
        put_one(out, error, depth, count);
}

std::exception_ptr get(byte_source& in, int depth);

std::exception_ptr get_one(byte_source& in, int depth) {
    const std::string type = in.get_string();
    const auto remote = in.get<std::uint8_t>();
    remote_exception known;
    known.wrapped = in.get<std::uint8_t>() != 0;
    known.what = in.get_string();
    known.message = in.get_string();
    get_error_code(in, known.standard_code);
    get_error_code(in, known.boost_code);
    known.numbers = in.get<decltype(known.numbers)>();
    for (auto& text : known.texts)
        text = in.get_string();
    known.nested = get(in, depth + 1);
    const auto inner = in.get<std::uint64_t>();
    if (inner > in.remaining())
        in.fail_short(inner);
    for (std::uint64_t i = 0; i != inner; ++i) {
        if (auto e = get(in, depth + 1))
            known.inner.push_back(std::move(e));
    }

    const exception_builder build = remote == 0 ? find_exception_builder(type) : nullptr;
    if (build != nullptr) {
        try {
            return build(known);
        } catch (...) {
            caught_or_unwind(); // its constructor refuses that text
        }
    }
    known.wrapped = false; // since a wrapper would be of another type than remote_error
    return throw_like<remote_error>(known, [&] {
        return remote_error(remote != 0 ? type : demangle(type.c_str()), known.what);
    });
}

std::exception_ptr get(byte_source& in, int depth) {
    if (in.get<std::uint8_t>() == 0)
        return nullptr;
    if (depth >= deepest)
        throw std::runtime_error("an exception from a worker process is nested too deep");
    return get_one(in, depth);
}

} // namespace

void put_exception(byte_sink& out, const std::exception_ptr& error) {
    unsigned count = 0;
    put_one(out, error, 0, count);
}

std::exception_ptr get_exception(byte_source& in) { return get_one(in, 0); }

} // namespace ferry::detail
