// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/process.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/detail/error_code.hpp>

#define BOOST_TEST_MODULE process_exception
#define BOOST_TEST_NO_MAIN
#include "helpers/worker_main.hpp"

#include "process/segment.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/exception/enable_current_exception.hpp>
#include <boost/exception/enable_error_info.hpp>
#include <boost/lexical_cast.hpp>
#include <boost/throw_exception.hpp>

#include <any>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <random>
#include <regex>
#include <stdexcept>
#include <variant>

namespace detail = ferry::detail;

namespace {

struct known : std::runtime_error { // registered below
    using std::runtime_error::runtime_error;
};
struct unknown : known { // derives from a registered one, but is another type
    using known::known;
};
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

class heap_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "heap"; }
    std::string message(int n) const override { return "heap " + std::to_string(n); }
};
struct decorated : std::runtime_error {
    explicit decorated(const std::string& what) : runtime_error("decorated (" + what + ")") {}
};
struct text_first : boost::system::system_error {
    text_first(const std::string& what, const boost::system::error_code& c)
        : system_error(c, what) {}
};
struct clones : std::runtime_error { // Boost's wrapper would have a function of that name too
    using runtime_error::runtime_error;
    virtual clones* clone() const { return new clones(*this); }
};

ferry::process_pool& pool() {
    static ferry::process_pool p(1);
    return p;
}

/// What `fn` throws in a worker, as an `E`.
template <class E, class F>
E thrown(F fn) {
    try {
        pool().submit(fn).result(std::chrono::seconds(20));
    } catch (const E& e) {
        BOOST_TEST((typeid(e) == typeid(E)));
        return e;
    }
    throw std::logic_error("nothing was thrown");
}
template <class E, class F>
void check_text(F fn, const std::string& what) {
    BOOST_TEST(std::string(thrown<E>(fn).what()) == what);
}

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
    const auto mine = thrown<boost::system::system_error>([] {
        throw boost::system::system_error({5, own}, "mine");
    });
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

// ---- Wrapped, nested and of libraries -----------------------------------------------------------

namespace {

/// Type, text, code and chain of what `fn` throws: here, and in a worker.
std::string told(const std::exception& e) {
    std::string text = ferry::detail::demangle(typeid(e).name()) + " | " + e.what();
    if (const auto* s = dynamic_cast<const boost::system::system_error*>(&e))
        text += std::string(" | ") + s->code().category().name() + ':' +
                std::to_string(s->code().value());
    if (const auto* s = dynamic_cast<const std::system_error*>(&e))
        text += std::string(" | ") + s->code().category().name() + ':' +
                std::to_string(s->code().value());
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
        text += " <- " + told(inner);
    }
    return text;
}
template <class F>
void check_same_as_here(F fn) {
    std::string here;
    try {
        fn();
    } catch (const std::exception& e) {
        here = told(e);
    }
    BOOST_TEST(!here.empty());
    try {
        pool().submit(fn).result(std::chrono::seconds(20));
        BOOST_ERROR("nothing was thrown");
    } catch (const std::exception& e) {
        BOOST_TEST(told(e) == here);
    }
}

[[noreturn]] void nest(int levels) {
    if (levels == 0)
        throw boost::system::system_error(boost::asio::error::eof, "innermost");
    try {
        nest(levels - 1);
    } catch (...) {
        std::throw_with_nested(std::runtime_error("level " + std::to_string(levels)));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(what_boost_wraps_comes_back_wrapped) {
    check_same_as_here([] { boost::throw_exception(std::runtime_error("plain")); });
    check_same_as_here([] { boost::throw_exception(std::bad_alloc()); });
    check_same_as_here([] { BOOST_THROW_EXCEPTION(std::out_of_range("where")); });
    check_same_as_here([] { static_cast<void>(boost::asio::ip::make_address("bogus")); });
    check_same_as_here([] {
        boost::asio::io_context context;
        boost::asio::ip::tcp::socket s(context);
        s.send(boost::asio::const_buffer("x", 1)); // it is not open
    });
    check_same_as_here([] {
        boost::asio::io_context context;
        boost::asio::ip::tcp::acceptor a(context);
        a.listen();
    });
    check_same_as_here([] { boost::throw_exception(ferry::cancelled_error("wrapped")); });
    check_same_as_here([] { boost::throw_exception(ferry::timeout_error(2, 5)); });
    ferry::register_exception<boost::bad_lexical_cast>();
    check_same_as_here([] { static_cast<void>(boost::lexical_cast<int>("abc")); });
    const auto old = [] {
        throw boost::enable_current_exception(
            boost::enable_error_info(std::invalid_argument("old way")));
    };
    BOOST_CHECK_THROW(pool().submit(old).result(), std::invalid_argument);
    BOOST_CHECK_THROW(pool().submit(old).result(), boost::exception);
    const auto unregistered = [] { boost::throw_exception(unknown("u")); };
    BOOST_TEST(thrown<ferry::remote_error>(unregistered).type_name().ends_with("::unknown"));
    ferry::register_exception<text_first>();
    check_same_as_here([] { throw text_first("t", boost::asio::error::eof); });
    ferry::register_exception<clones>();
    check_text<clones>([] { throw clones("c"); }, "c");
}

BOOST_AUTO_TEST_CASE(what_asio_throws_comes_back_as_itself) {
    namespace asio = boost::asio;
    check_same_as_here([] { throw asio::execution::bad_executor(); });
    check_same_as_here([] { throw asio::service_already_exists(); });
    check_same_as_here([] { throw asio::invalid_service_owner(); });
    check_same_as_here([] { asio::any_io_executor().execute([] {}); });
    check_same_as_here([] { boost::throw_exception(asio::ip::bad_address_cast()); });
    check_same_as_here([] {
        throw boost::system::system_error(asio::experimental::error::channel_closed, "channel");
    });
    check_same_as_here(
        [] { throw boost::system::system_error(asio::error::host_not_found, "resolve"); });
    check_same_as_here([] { throw boost::system::system_error(asio::error::service_not_found); });
    const auto several = thrown<asio::multiple_exceptions>([] {
        throw asio::multiple_exceptions(std::make_exception_ptr(std::out_of_range("first")));
    });
    BOOST_CHECK_THROW(std::rethrow_exception(several.first_exception()), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(chains_are_kept_however_long) {
    check_same_as_here([] { nest(1); });
    check_same_as_here([] { nest(7); });
    check_same_as_here([] {
        try {
            boost::throw_exception(std::logic_error("wrapped inner"));
        } catch (...) {
            std::throw_with_nested(ferry::shutdown_error("outer"));
        }
    });
    try { // of another type
        pool()
            .submit([] {
                try {
                    nest(2);
                } catch (...) {
                    std::throw_with_nested(unknown("outer"));
                }
            })
            .result();
        BOOST_ERROR("nothing was thrown");
    } catch (const ferry::remote_error& e) {
        BOOST_TEST(told(e).find("<- std::_Nested_exception<std::runtime_error> | level 2 <-") !=
                   std::string::npos);
    }
    // One too long is cut.
    std::size_t levels = 0;
    auto next = pool().submit(nest, 1000).exception();
    while (next != nullptr) {
        ++levels;
        try {
            std::rethrow_exception(std::exchange(next, nullptr));
        } catch (const std::nested_exception& e) {
            next = e.nested_ptr();
        } catch (...) {
        }
    }
    BOOST_TEST(levels == 64u);
}

BOOST_AUTO_TEST_CASE(what_the_standard_library_throws_comes_back_as_itself) {
    check_same_as_here([] {
        std::ifstream f;
        f.exceptions(std::ios::failbit);
        f.open("/no/such/file");
    });
    check_same_as_here([] {
        throw std::ios_base::failure("mine", std::error_code(EIO, std::generic_category()));
    });
    check_same_as_here([] { std::filesystem::rename("/no/such/one", "/no/such/other"); });
    check_same_as_here([] { std::filesystem::create_directory("/proc/no/such"); });
    check_same_as_here([] { static_cast<void>(std::future<int>().get()); });
    check_same_as_here([] { static_cast<void>(std::stoi("zzz")); });
    check_same_as_here([] { static_cast<void>(std::vector<int>().at(3)); });
    check_same_as_here([] { static_cast<void>(std::string("x").substr(2)); });
}

BOOST_AUTO_TEST_CASE(ferrys_own_errors_keep_what_they_hold) {
    const auto t = thrown<ferry::timeout_error>([] { throw ferry::timeout_error(2, 5); });
    BOOST_TEST(t.unfinished() == 2u);
    BOOST_TEST(t.total() == 5u);
    const auto c = thrown<ferry::circuit_open_error>(
        [] { throw ferry::circuit_open_error(std::chrono::milliseconds(7)); });
    BOOST_TEST((c.retry_after() == std::chrono::milliseconds(7)));
    const auto died = [] { throw ferry::worker_died(17, {.signal = 9}, "the label", "the tail"); };
    check_same_as_here(died);
    const auto w = thrown<ferry::worker_died>(died);
    BOOST_TEST(w.pid() == 17);
    BOOST_TEST(w.signal().value() == 9);
    BOOST_TEST(!w.exit_code().has_value());
    BOOST_TEST(w.label() == "the label");
    BOOST_TEST(w.stderr_tail() == "the tail");
    const auto group = [] {
        throw ferry::exception_group({std::make_exception_ptr(std::out_of_range("one")),
                                      std::make_exception_ptr(std::runtime_error("two"))});
    };
    check_same_as_here(group);
    const auto g = thrown<ferry::exception_group>(group);
    BOOST_TEST(g.exceptions().size() == 2u);
    BOOST_CHECK_THROW(std::rethrow_exception(g.exceptions()[0]), std::out_of_range);
    check_same_as_here([] { throw ferry::circuit_open_error("mine"); });
    check_same_as_here([] { throw ferry::would_deadlock(); });
}

BOOST_AUTO_TEST_CASE(no_text_is_said_twice) {
    ferry::register_exception<decorated>();
    check_text<decorated>([] { throw decorated("x"); }, "decorated (x)");
    check_same_as_here([] { boost::throw_exception(decorated("y")); });
    check_same_as_here([] { throw boost::system::system_error(boost::asio::error::eof); });
    check_same_as_here([] { throw std::system_error(EPERM, std::system_category()); });
    check_same_as_here([] { throw ferry::timeout_error("timed out"); });
}

BOOST_AUTO_TEST_CASE(codes_of_one_library_in_those_of_the_other) {
    const auto s = thrown<std::system_error>(
        [] { throw std::system_error(std::error_code(make_error_code(boost::asio::error::eof))); });
    BOOST_TEST((s.code() == std::error_code(make_error_code(boost::asio::error::eof))));
    const auto b = thrown<boost::system::system_error>([] {
        throw boost::system::system_error(std::make_error_code(std::future_errc::no_state));
    });
    BOOST_TEST((static_cast<std::error_code>(b.code()) == std::future_errc::no_state));
}

BOOST_AUTO_TEST_CASE(a_category_that_is_not_here_keeps_its_name_and_text) {
    const auto e = thrown<std::system_error>([] {
        static const auto* const c = new heap_category;
        throw std::system_error(7, *c, "somewhere");
    });
    BOOST_TEST(e.code().value() == 7);
    BOOST_TEST(std::string(e.code().category().name()) == "heap");
    BOOST_TEST(e.code().message() == "heap 7");
    BOOST_TEST(std::string(e.what()) == "somewhere: heap 7");
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
