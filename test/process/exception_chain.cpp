// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/exception.hpp>

#include <ferry/process.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/detail/error_code.hpp>

#define BOOST_TEST_MODULE exception_chain
#define BOOST_TEST_NO_MAIN
#include "helpers/thrown.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/exception/enable_current_exception.hpp>
#include <boost/exception/enable_error_info.hpp>
#include <boost/lexical_cast.hpp>
#include <boost/throw_exception.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>

namespace {

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
    BOOST_TEST(thrown<ferry::remote_error>(unregistered).type_name().ends_with("unknown"));
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
    BOOST_TEST(w.attempt() == 1u);
    const auto again = [] {
        throw ferry::worker_died(17, {.exit_code = 3}, "the label", "the tail",
                                 {std::chrono::milliseconds(8), 4096}, 2);
    };
    check_same_as_here(again);
    const auto a = thrown<ferry::worker_died>(again);
    BOOST_TEST(a.attempt() == 2u);
    BOOST_TEST(a.usage().peak_memory == 4096u);
    BOOST_CHECK(a.usage().cpu_time == std::chrono::milliseconds(8));
    using time_point = std::chrono::steady_clock::time_point;
    const auto quarantined = [] {
        throw ferry::quarantined_error("poison", 3, time_point(std::chrono::hours(1)));
    };
    check_same_as_here(quarantined);
    const auto q = thrown<ferry::quarantined_error>(quarantined);
    BOOST_TEST(q.label() == "poison");
    BOOST_TEST(q.deaths() == 3u);
    BOOST_CHECK(q.until() == time_point(std::chrono::hours(1)));
    check_same_as_here([] { throw ferry::quarantined_error("by hand"); });
    const auto full = [] { throw ferry::queue_full_error("full", 5, std::chrono::seconds(2)); };
    check_same_as_here(full);
    const auto f = thrown<ferry::queue_full_error>(full);
    BOOST_TEST(f.queued() == 5u);
    BOOST_CHECK(f.retry_after() == std::chrono::seconds(2));
    check_same_as_here([] { throw ferry::sandbox_error("no Landlock"); });
    check_same_as_here([] { throw ferry::no_worker_error("nobody"); });
    check_same_as_here([] { throw ferry::broken_cluster_pool("refused"); });
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
