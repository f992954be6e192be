// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/process.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/detail/error_code.hpp>

#define BOOST_TEST_MODULE process_exception
#define BOOST_TEST_NO_MAIN
#include "helpers/thrown.hpp"
#include "helpers/worker_main.hpp"

#include "process/segment.hpp"

#include <boost/asio/error.hpp>

#include <any>
#include <filesystem>
#include <functional>
#include <future>
#include <random>
#include <regex>
#include <stdexcept>
#include <variant>

namespace detail = ferry::detail;

namespace {

struct coded : boost::system::system_error {
    explicit coded(boost::system::error_code c, const std::string& what = "")
        : system_error(c, what) {}
};
struct silent : std::exception {
    const char* what() const noexcept override { return "silent"; }
};
struct frozen : std::exception {
    explicit frozen(const std::string& w) : what_(w) {}
    frozen(const frozen&) = default;
    frozen& operator=(const frozen&) = delete;
    const char* what() const noexcept override { return what_.c_str(); }
    const std::string what_;
};
class own_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "own"; }
    std::string message(int n) const override { return "own " + std::to_string(n); }
};
constinit const own_category own;

} // namespace

BOOST_AUTO_TEST_CASE(standard_exceptions_come_back_as_themselves) { // CF-SUB-08, CF-PP-25
    check_text<std::runtime_error>([] { throw std::runtime_error("r"); }, "r");
    check_text<std::invalid_argument>([] { throw std::invalid_argument("i"); }, "i");
    check_text<std::out_of_range>([] { throw std::out_of_range("o"); }, "o");
    check_text<std::logic_error>([] { throw std::logic_error("l"); }, "l");
    check_text<std::length_error>([] { throw std::length_error("l"); }, "l");
    check_text<std::domain_error>([] { throw std::domain_error("d"); }, "d");
    check_text<std::range_error>([] { throw std::range_error("r"); }, "r");
    check_text<std::overflow_error>([] { throw std::overflow_error("o"); }, "o");
    check_text<std::underflow_error>([] { throw std::underflow_error("u"); }, "u");
    check_text<std::bad_alloc>([] { throw std::bad_alloc(); }, std::bad_alloc().what());
    check_text<std::bad_cast>([] { throw std::bad_cast(); }, std::bad_cast().what());
    check_text<std::bad_function_call>([] { std::function<void()>()(); },
                                       std::bad_function_call().what());
    check_text<std::bad_optional_access>([] { static_cast<void>(std::optional<int>().value()); },
                                         std::bad_optional_access().what());
    check_text<std::bad_any_cast>([] { static_cast<void>(std::any_cast<int>(std::any())); },
                                  std::bad_any_cast().what());
    thrown<std::bad_variant_access>(
        [] { static_cast<void>(std::get<int>(std::variant<char, int>('c'))); });
    thrown<std::bad_weak_ptr>([] { std::shared_ptr<int> p(std::weak_ptr<int>{}); });
    thrown<std::exception>([] { throw std::exception(); });
    BOOST_TEST((thrown<std::regex_error>([] { std::regex("["); }).code() ==
                std::regex_constants::error_brack));
    BOOST_TEST((thrown<std::future_error>([] {
                    static_cast<void>(std::future<int>().get());
                }).code() == std::future_errc::no_state));
}

BOOST_AUTO_TEST_CASE(system_errors_keep_code_and_text) {
    const auto s = thrown<std::system_error>(
        [] { throw std::system_error(ENOENT, std::generic_category(), "opening"); });
    BOOST_TEST((s.code() == std::errc::no_such_file_or_directory));
    BOOST_TEST(std::string(s.what()) ==
               std::system_error(ENOENT, std::generic_category(), "opening").what());
    const auto f = thrown<std::filesystem::filesystem_error>(
        [] { static_cast<void>(std::filesystem::file_size("/no/such/file")); });
    BOOST_TEST(f.path1() == "/no/such/file");
    BOOST_TEST((f.code() == std::errc::no_such_file_or_directory));
    std::string expected;
    try {
        static_cast<void>(std::filesystem::file_size("/no/such/file"));
    } catch (const std::exception& e) {
        expected = e.what();
    }
    BOOST_TEST(std::string(f.what()) == expected);
    const auto b = thrown<boost::system::system_error>(
        [] { throw boost::system::system_error(boost::asio::error::eof, "reading"); });
    BOOST_TEST((b.code() == boost::asio::error::eof));
    BOOST_TEST(std::string(b.what()) ==
               boost::system::system_error(boost::asio::error::eof, "reading").what());
    const auto mine = thrown<boost::system::system_error>(
        [] { throw boost::system::system_error({5, own}, "mine"); });
    BOOST_TEST((mine.code() == boost::system::error_code(5, own)));
    BOOST_TEST(mine.code().message() == "own 5");
    const auto t = thrown<ferry::timeout_error>([] { throw ferry::timeout_error("too late"); });
    BOOST_TEST((t.code() == ferry::condition::timed_out));
    BOOST_TEST(std::string(t.what()) == ferry::timeout_error("too late").what());
}

BOOST_AUTO_TEST_CASE(registered_types_come_back_and_others_as_remote_error) { // CF-SUB-10, CF-PP-25
    BOOST_TEST(
        thrown<ferry::remote_error>([] { throw known("k"); }).type_name().ends_with("known"));
    ferry::register_exception<known>();
    ferry::register_exception<coded>();
    ferry::register_exception<silent>();
    ferry::register_exception<frozen>();
    check_text<known>([] { throw known("k"); }, "k");
    BOOST_TEST((thrown<coded>([] { throw coded(boost::asio::error::eof, "c"); }).code() ==
                boost::asio::error::eof));
    check_text<silent>([] { throw silent(); }, "silent");
    check_text<frozen>([] { throw frozen("ice"); }, "ice");
    const auto r = thrown<ferry::remote_error>([] { throw unknown("u"); });
    BOOST_TEST(r.type_name().ends_with("unknown"));
    BOOST_TEST(std::string(r.what()) == "u");
    BOOST_TEST((r.code() == ferry::errc::remote));
}

BOOST_AUTO_TEST_CASE(what_is_no_exception_comes_back_as_remote_error) {
    BOOST_TEST(thrown<ferry::remote_error>([] { throw 42; }).type_name() == "int");
    check_text<ferry::remote_error>([] { throw 42; }, "42");
    check_text<ferry::remote_error>([] { throw std::string("text"); }, "text");
    check_text<ferry::remote_error>([] { throw "literal"; }, "literal");
    check_text<ferry::remote_error>([] { throw 1.5; }, "not a std::exception");
}

BOOST_AUTO_TEST_CASE(each_future_has_an_exception_object_of_its_own) {
    auto a = pool().submit([] { throw std::runtime_error("same"); });
    auto b = pool().submit([] { throw std::runtime_error("same"); });
    BOOST_CHECK(a.exception() != nullptr);
    BOOST_CHECK(a.exception() != b.exception());
}

// ---- A worker is not trusted --------------------------------------------------------------------

namespace {

/// What the pool's process makes of a code whose category is said to lie there.
std::error_code read_forged(std::uint64_t module, std::uint64_t offset) {
    detail::segment_store store(1);
    detail::byte_sink out(store);
    out.put(std::uint8_t(0)); // a code of its own library
    out.put(5);
    put_string(out, "forged");
    out.put(module);
    out.put(offset);
    put_string(out, "a text");
    const detail::payload bytes = out.finish();
    detail::byte_source in(bytes.bytes());
    std::error_code code;
    detail::get_error_code(in, code);
    return code;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_category_at_an_address_of_the_workers_choice_is_not_believed) {
    static const std::uint64_t not_a_category[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static std::runtime_error another_class("x");
    static const void* pointers[] = {&another_class, not_a_category, nullptr, nullptr};
    for (const void* at :
         {static_cast<const void*>(not_a_category), static_cast<const void*>(&another_class),
          static_cast<const void*>(pointers)}) {
        const auto ref = detail::locate(at);
        for (std::uint64_t shift = 0; shift < 64; ++shift) {
            const auto code = read_forged(ref.module, ref.offset + shift);
            BOOST_REQUIRE(code.category().name() == std::string("forged"));
            BOOST_REQUIRE(code.message() == "a text");
        }
    }
    const auto program = detail::program_identity();
    for (const std::uint64_t offset : {std::uint64_t(0), std::uint64_t(8), ~std::uint64_t(0),
                                       ~std::uint64_t(7), std::uint64_t(1) << 63})
        BOOST_TEST(read_forged(program, offset).category().name() == "forged");
    BOOST_TEST(read_forged(0x1234, 8).category().name() == "forged");
}

BOOST_AUTO_TEST_CASE(any_bytes_give_an_exception_or_are_refused) {
    detail::segment_store store(1);
    detail::byte_sink out(store);
    try {
        nest(3);
    } catch (...) {
        put_exception(out, std::current_exception());
    }
    const std::vector<std::byte> whole(out.bytes().begin(), out.bytes().end());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        detail::byte_source in(std::span<const std::byte>(whole).first(size));
        BOOST_CHECK_THROW(detail::get_exception(in), std::runtime_error);
    }
    std::mt19937 random(5);
    for (int round = 0; round < 5'000; ++round) {
        auto bytes = whole;
        for (int i = 0; i < 3; ++i)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        detail::byte_source in(bytes);
        try {
            BOOST_REQUIRE((detail::get_exception(in) != nullptr));
        } catch (const std::exception&) {
        }
    }
}
