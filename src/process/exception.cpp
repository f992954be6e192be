// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/detail/shared_state.hpp>
#include <ferry/process/detail/error_code.hpp>

#include "type_bases.hpp"

#include <boost/asio/execution/bad_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/bad_address_cast.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#if __has_include(<boost/asio/executor.hpp>) && !defined(BOOST_ASIO_NO_TS_EXECUTORS)
#include <boost/asio/executor.hpp>
#define FERRY_HAS_OLD_BAD_EXECUTOR
#endif

#include <algorithm>
#include <any>
#include <cxxabi.h>
#include <filesystem>
#if __has_include(<format>)
#include <format>
#endif
#include <functional>
#include <future>
#include <ios>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <stdexcept>
#include <variant>

namespace ferry::detail {
namespace {

using std::filesystem::filesystem_error;

// A chain may be as long, and all that one exception stands for as much, as this.
constexpr int deepest = 64;
constexpr unsigned most_inner = 1000;

// ---- Builders -----------------------------------------------------------------------------------

// Its message is what it was made from, without what it adds for its code and its paths.
std::exception_ptr build_filesystem_error(const remote_exception& r) {
    const auto& [one, two] = r.texts;
    return throw_like<filesystem_error>(r, [&] {
        if (!two.empty())
            return filesystem_error(r.message, one, two, r.standard_code);
        if (!one.empty())
            return filesystem_error(r.message, one, r.standard_code);
        return filesystem_error(r.message, r.standard_code);
    });
}

std::string message_of(const filesystem_error& e) {
    std::string text = e.what(); // "filesystem error: text: code [path] [path]"
    if (constexpr std::string_view prefix = "filesystem error: "; text.starts_with(prefix))
        text.erase(0, prefix.size());
    if (const auto at = text.rfind(": " + e.code().message()); at != std::string::npos)
        text.erase(at);
    return text;
}

std::exception_ptr build_timeout_error(const remote_exception& r) {
    if (r.numbers[1] == 0)
        return build_exception<timeout_error>(r);
    return throw_like<timeout_error>(r, [&] {
        return timeout_error(static_cast<std::size_t>(r.numbers[0]),
                             static_cast<std::size_t>(r.numbers[1]));
    });
}

std::exception_ptr build_circuit_open_error(const remote_exception& r) {
    if (r.numbers[0] == 0)
        return build_exception<circuit_open_error>(r);
    return throw_like<circuit_open_error>(
        r, [&] { return circuit_open_error(std::chrono::steady_clock::duration(r.numbers[0])); });
}

std::exception_ptr build_worker_died(const remote_exception& r) {
    if (r.numbers[0] == 0)
        return build_exception<worker_died>(r);
    worker_died::ending how;
    if (r.numbers[1] != 0)
        how.exit_code = static_cast<int>(r.numbers[2]);
    if (r.numbers[3] != 0)
        how.signal = static_cast<int>(r.numbers[4]);
    return throw_like<worker_died>(r, [&] {
        return worker_died(static_cast<int>(r.numbers[0]), how, r.texts[0], r.texts[1]);
    });
}

std::exception_ptr build_exception_group(const remote_exception& r) {
    return throw_like<exception_group>(r, [&] { return exception_group(r.inner); });
}

std::exception_ptr build_multiple_exceptions(const remote_exception& r) {
    using boost::asio::multiple_exceptions;
    return throw_like<multiple_exceptions>(r, [&] {
        return multiple_exceptions(r.inner.empty() ? std::exception_ptr() : r.inner.front());
    });
}

#ifdef __GLIBCXX__
// What streams throw: a class of the library's own, derived from std::ios_base::failure.
constexpr const char* library_failure = "St13__ios_failure";

std::exception_ptr build_library_failure(const remote_exception& r) {
    if (r.nested != nullptr) // a chain is more than the name of the class
        return build_exception<std::ios_base::failure>(r);
    try {
        if (r.standard_code == std::io_errc::stream)
            std::__throw_ios_failure(r.message.c_str());
        std::__throw_ios_failure(r.message.c_str(), r.standard_code.value());
    } catch (const std::ios_base::failure& e) {
        if (e.code() == r.standard_code && e.what() == r.what)
            return std::current_exception();
    }
    return build_exception<std::ios_base::failure>(r);
}
#endif

struct registry {
    std::mutex mutex;
    std::map<std::string, exception_builder, std::less<>> builders; // by mangled name

    static registry& instance() {
        static auto* const r = new registry; // outlives every static pool
        return *r;
    }

    template <class E>
    void add(exception_builder build = &build_exception<E>) {
        builders.emplace(typeid(E).name(), build);
    }
    template <class... E>
    void add_all() {
        (add<E>(), ...);
    }
    registry() {
        add_all<std::exception, std::logic_error, std::invalid_argument, std::domain_error,
                std::length_error, std::out_of_range, std::runtime_error, std::range_error,
                std::overflow_error, std::underflow_error, std::system_error,
                std::ios_base::failure, std::bad_alloc, std::bad_array_new_length, std::bad_cast,
                std::bad_typeid, std::bad_exception, std::bad_function_call, std::bad_weak_ptr,
                std::bad_optional_access, std::bad_variant_access, std::bad_any_cast,
                boost::system::system_error>();
#ifdef __cpp_lib_format
        add<std::format_error>();
#endif
        add<filesystem_error>(&build_filesystem_error);
        add<std::future_error>([](const remote_exception& r) {
            return throw_like<std::future_error>(r, [&r] {
                return std::future_error(static_cast<std::future_errc>(r.standard_code.value()));
            });
        });
        add<std::regex_error>([](const remote_exception& r) {
            return throw_like<std::regex_error>(r, [&r] {
                return std::regex_error(
                    static_cast<std::regex_constants::error_type>(r.numbers[0]));
            });
        });
#ifdef __GLIBCXX__
        builders.emplace(library_failure, &build_library_failure);
#endif
        namespace asio = boost::asio;
        add_all<asio::execution::bad_executor, asio::service_already_exists,
                asio::invalid_service_owner, asio::ip::bad_address_cast>();
#ifdef FERRY_HAS_OLD_BAD_EXECUTOR
        add<asio::bad_executor>();
#endif
        add<asio::multiple_exceptions>(&build_multiple_exceptions);

        add_all<cancelled_error, invalid_state_error, no_state_error, broken_promise,
                shutdown_error, queue_full_error, would_deadlock, broken_executor,
                broken_thread_pool, broken_process_pool>();
        add<timeout_error>(&build_timeout_error);
        add<circuit_open_error>(&build_circuit_open_error);
        add<worker_died>(&build_worker_died);
        add<exception_group>(&build_exception_group);
    }
};

// ---- What an exception is -----------------------------------------------------------------------

// A text without what a system error appends for its code.
std::string without(const std::string& text, const std::string& appended) {
    const std::string tail = ": " + appended;
    if (text == appended)
        return {};
    return text.ends_with(tail) ? text.substr(0, text.size() - tail.size()) : text;
}

struct described {
    std::string type;    // mangled
    bool remote = false; // it came from a worker: the type's name is one to read
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
        k.numbers = {w->pid(), w->exit_code().has_value(), w->exit_code().value_or(0),
                     w->signal().has_value(), w->signal().value_or(0)};
        k.texts = {w->label(), w->stderr_tail()};
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

    exception_builder build = nullptr;
    if (remote == 0) {
        auto& r = registry::instance();
        const std::lock_guard lock(r.mutex);
        if (const auto it = r.builders.find(type); it != r.builders.end())
            build = it->second;
    }
    if (build != nullptr) {
        try {
            return build(known);
        } catch (...) {                              // its constructor takes no such text
            if (std::current_exception() == nullptr) // the thread is being ended
                throw;
        }
    }
    known.wrapped = false; // or it would be another type than the one to catch
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

void add_exception(const std::type_info& type, exception_builder build) {
    auto& r = registry::instance();
    const std::lock_guard lock(r.mutex);
    r.builders[type.name()] = build;
}

void put_exception(byte_sink& out, const std::exception_ptr& error) {
    unsigned count = 0;
    put_one(out, error, 0, count);
}

std::exception_ptr get_exception(byte_source& in) { return get_one(in, 0); }

} // namespace ferry::detail
