// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process_pool.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

// What calls throw in a worker process, as it comes back.

struct known : std::runtime_error { // each test registers it
    using std::runtime_error::runtime_error;
};
struct unknown : known { // derives from a registered one, but is another type
    using known::known;
};

inline ferry::process_pool& pool() {
    static ferry::process_pool p(1);
    return p;
}

/// What `fn` throws in a worker, as an `E`. The future is kept until the program ends, so that the
/// thread that has decoded the exception is not the last to let go of it: the text's count of
/// references is the standard library's, where ThreadSanitizer does not look.
template <class E, class F>
E thrown(F fn) {
    static std::vector<std::shared_ptr<void>> kept;
    auto f = pool().submit(fn);
    kept.push_back(std::make_shared<decltype(f)>(f));
    try {
        f.result(std::chrono::minutes(3));
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

[[noreturn]] inline void nest(int levels) {
    if (levels == 0)
        throw boost::system::system_error(boost::asio::error::eof, "innermost");
    try {
        nest(levels - 1);
    } catch (...) {
        std::throw_with_nested(std::runtime_error("level " + std::to_string(levels)));
    }
}
