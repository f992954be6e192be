// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/detail/shared_state.hpp>
#include <ferry/process/code.hpp>

#include "trusted_object.hpp"

#include <boost/asio/error.hpp>

#include <any>
#include <cxxabi.h>
#include <filesystem>
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

// Its message holds what it was made from: text and paths, with a zero in between.
std::exception_ptr build_filesystem_error(const remote_exception& r) {
    const auto first = r.message.find('\0');
    const auto second = r.message.find('\0', first + 1);
    if (first == std::string::npos || second == std::string::npos)
        return make_error<filesystem_error>(r.message, r.standard_code);
    const std::string text = r.message.substr(0, first);
    const std::string one = r.message.substr(first + 1, second - first - 1);
    const std::string two = r.message.substr(second + 1);
    if (!two.empty())
        return make_error<filesystem_error>(text, one, two, r.standard_code);
    if (!one.empty())
        return make_error<filesystem_error>(text, one, r.standard_code);
    return make_error<filesystem_error>(text, r.standard_code);
}

std::string parts_of(const filesystem_error& e) {
    std::string text = e.what(); // "filesystem error: text: code [path] [path]"
    if (constexpr std::string_view prefix = "filesystem error: "; text.starts_with(prefix))
        text.erase(0, prefix.size());
    if (const auto at = text.rfind(": " + e.code().message()); at != std::string::npos)
        text.erase(at);
    const char zero = 0;
    return text + zero + e.path1().string() + zero + e.path2().string();
}

struct registry {
    std::mutex mutex;
    std::map<std::string, exception_builder, std::less<>> builders; // by mangled name

    static registry& instance() {
        static auto* const r = new registry; // outlives every static pool
        return *r;
    }

    template <class... E>
    void add() {
        (builders.emplace(typeid(E).name(), &build_exception<E>), ...);
    }
    registry() {
        add<std::exception, std::logic_error, std::invalid_argument, std::domain_error,
            std::length_error, std::out_of_range, std::runtime_error, std::range_error,
            std::overflow_error, std::underflow_error, std::system_error, std::ios_base::failure,
            std::bad_alloc, std::bad_array_new_length, std::bad_cast, std::bad_typeid,
            std::bad_exception, std::bad_function_call, std::bad_weak_ptr, std::bad_optional_access,
            std::bad_variant_access, std::bad_any_cast, boost::system::system_error,
            cancelled_error, invalid_state_error, no_state_error, broken_promise, shutdown_error,
            queue_full_error, would_deadlock, broken_executor, broken_thread_pool,
            broken_process_pool, timeout_error>();
        builders.emplace(typeid(std::filesystem::filesystem_error).name(), &build_filesystem_error);
        builders.emplace(typeid(std::future_error).name(), [](const remote_exception& r) {
            return make_error<std::future_error>(
                static_cast<std::future_errc>(r.standard_code.value()));
        });
        builders.emplace(typeid(std::regex_error).name(), [](const remote_exception& r) {
            return make_error<std::regex_error>(
                static_cast<std::regex_constants::error_type>(r.standard_code.value()));
        });
        // They say more than a text: here without the details that stayed in the worker.
        builders.emplace(typeid(worker_died).name(), [](const remote_exception& r) {
            return make_error<worker_died>(r.message);
        });
    }
};

// A text without what a system error appends for its code.
std::string without(const std::string& text, const std::string& appended) {
    const std::string tail = ": " + appended;
    if (text == appended)
        return {};
    return text.ends_with(tail) ? text.substr(0, text.size() - tail.size()) : text;
}

// Categories are named by where they are: every process of a program has them at the same place.
template <class Category>
void put_category(byte_sink& out, const Category& c) {
    put_string(out, c.name());
    try {
        const auto ref = locate(&c);
        out.put(true);
        put_code(out, ref);
    } catch (const std::exception&) {
        out.put(false);
    }
}

template <class Category>
const Category* find_category(byte_source& in, std::initializer_list<const Category*> known) {
    const std::string name = in.get_string();
    std::uint64_t module = 0, offset = 0;
    if (in.get<std::uint8_t>() != 0) {
        module = in.get<std::uint64_t>();
        offset = in.get<std::uint64_t>();
        static_cast<void>(in.get_string()); // nothing is loaded because a worker says so
    }
    for (const Category* c : known) {
        if (c->name() == name)
            return c;
    }
    // Also null for one that nobody has constructed here yet.
    const auto* const c =
        static_cast<const Category*>(find_object(module, offset, typeid(Category)));
    return c != nullptr && c->name() == name ? c : nullptr;
}

struct described {
    std::string type;
    remote_exception known;
};

described describe(const std::exception_ptr& error) {
    described d;
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        d.known.what = e.what();
        d.known.boost_code = e.code();
        d.known.message = without(d.known.what, e.code().what());
    } catch (const std::system_error& e) {
        d.known.what = e.what();
        d.known.standard_code = e.code();
        const auto* const f = dynamic_cast<const filesystem_error*>(&e);
        d.known.message = f != nullptr ? parts_of(*f) : without(d.known.what, e.code().message());
    } catch (const std::future_error& e) {
        d.known.what = e.what();
        d.known.standard_code = e.code();
    } catch (const std::regex_error& e) {
        d.known.what = d.known.message = e.what();
        d.known.standard_code = {static_cast<int>(e.code()), std::generic_category()};
    } catch (const std::exception& e) {
        d.known.what = d.known.message = e.what();
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
    } catch (const remote_error& e) { // of a pool in the worker
        d.type = "remote:" + e.type_name();
        d.known.what = e.what();
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        d.type = type != nullptr ? type->name() : "";
    }
    return d;
}

} // namespace

void add_exception(const std::type_info& type, exception_builder build) {
    auto& r = registry::instance();
    const std::lock_guard lock(r.mutex);
    r.builders[type.name()] = build;
}

void put_exception(byte_sink& out, const std::exception_ptr& error) {
    const described d = describe(error);
    put_string(out, d.type);
    put_string(out, d.known.what);
    put_string(out, d.known.message);
    out.put(d.known.standard_code.value());
    put_category(out, d.known.standard_code.category());
    out.put(d.known.boost_code.value());
    put_category(out, d.known.boost_code.category());
}

std::exception_ptr get_exception(byte_source& in) {
    const std::string type = in.get_string();
    remote_exception known;
    known.what = in.get_string();
    known.message = in.get_string();
    const int standard_value = in.get<int>();
    const auto* const standard = find_category<std::error_category>(
        in, {&std::system_category(), &std::generic_category(), &std::iostream_category(),
             &std::future_category()});
    const int boost_value = in.get<int>();
    const auto* const from_boost = find_category<boost::system::error_category>(
        in, {&boost::system::system_category(), &boost::system::generic_category(),
             &boost::asio::error::get_misc_category(), &boost::asio::error::get_netdb_category(),
             &boost::asio::error::get_addrinfo_category(), &error_category()});
    exception_builder build = nullptr;
    if (standard != nullptr && from_boost != nullptr) {
        known.standard_code.assign(standard_value, *standard);
        known.boost_code.assign(boost_value, *from_boost);
        auto& r = registry::instance();
        const std::lock_guard lock(r.mutex);
        if (const auto it = r.builders.find(type); it != r.builders.end())
            build = it->second;
    }
    if (build != nullptr)
        return build(known);
    return make_error<remote_error>(
        type.starts_with("remote:") ? type.substr(7) : demangle(type.c_str()), known.what);
}

} // namespace ferry::detail
