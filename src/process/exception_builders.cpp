// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Rebuilds exceptions that were thrown in another process, by their type.
#include "exception_builders.hpp"

#include "support/annotated_mutex.hpp"

#include <boost/asio/execution/bad_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/bad_address_cast.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#if __has_include(<boost/asio/executor.hpp>) && !defined(BOOST_ASIO_NO_TS_EXECUTORS)
#include <boost/asio/executor.hpp>
#define FERRY_HAS_OLD_BAD_EXECUTOR
#endif

#include <any>
#include <filesystem>
#if __has_include(<format>)
#include <format>
#endif
#include <functional>
#include <future>
#include <ios>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <stdexcept>
#include <variant>

namespace ferry::detail {
namespace {

using std::filesystem::filesystem_error;

// The message is the one that the original was constructed from: without its code and its paths,
// which the constructor appends.
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
    const worker_usage usage{std::chrono::nanoseconds(r.numbers[5]),
                             static_cast<std::size_t>(r.numbers[6])};
    return throw_like<worker_died>(r, [&] {
        return worker_died(static_cast<int>(r.numbers[0]), how, r.texts[0], r.texts[1], usage,
                           static_cast<unsigned>(r.numbers[7]));
    });
}

std::exception_ptr build_queue_full_error(const remote_exception& r) {
    return build_with_text<queue_full_error>(r, [&](const std::string& text) {
        return queue_full_error(text, static_cast<std::size_t>(r.numbers[0]),
                                std::chrono::nanoseconds(r.numbers[1]));
    });
}

std::exception_ptr build_quarantined_error(const remote_exception& r) {
    if (r.numbers[0] == 0)
        return build_exception<quarantined_error>(r);
    using clock = std::chrono::steady_clock; // which all processes share
    return throw_like<quarantined_error>(r, [&] {
        return quarantined_error(r.texts[0], static_cast<unsigned>(r.numbers[0]),
                                 clock::time_point(clock::duration(r.numbers[1])));
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
// Streams throw this class, which is internal to libstdc++ and derived from std::ios_base::failure.
constexpr const char* library_failure = "St13__ios_failure";

std::exception_ptr build_library_failure(const remote_exception& r) {
    if (r.nested != nullptr) // the chain matters more than the exact class
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
    annotated_mutex mutex;
    // By mangled name.
    std::map<std::string, exception_builder, std::less<>> builders FERRY_GUARDED_BY(mutex);

    static registry& instance() {
        static auto* const r = new registry; // never destroyed: a static pool may use it
        return *r;
    }

    template <class E>
    void add(exception_builder build = &build_exception<E>) FERRY_REQUIRES(mutex) {
        builders.emplace(typeid(E).name(), build);
    }
    template <class... E>
    void add_all() FERRY_REQUIRES(mutex) {
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
                shutdown_error, would_deadlock, broken_executor, broken_thread_pool,
                broken_process_pool, sandbox_error, no_worker_error, broken_cluster_pool>();
        add<timeout_error>(&build_timeout_error);
        add<circuit_open_error>(&build_circuit_open_error);
        add<worker_died>(&build_worker_died);
        add<queue_full_error>(&build_queue_full_error);
        add<quarantined_error>(&build_quarantined_error);
        add<exception_group>(&build_exception_group);
    }
};

} // namespace

void add_exception(const std::type_info& type, exception_builder build) {
    auto& r = registry::instance();
    const annotated_lock lock(r.mutex);
    r.builders[type.name()] = build;
}

exception_builder find_exception_builder(std::string_view mangled_type) {
    auto& r = registry::instance();
    const annotated_lock lock(r.mutex);
    const auto it = r.builders.find(mangled_type);
    return it != r.builders.end() ? it->second : nullptr;
}

} // namespace ferry::detail
