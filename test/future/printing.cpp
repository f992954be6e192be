// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Futures are printed without memory too. A program of its own, since it replaces operator new.
#include <ferry/future.hpp>

#define BOOST_TEST_MODULE printing
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <new>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

using namespace ferry;

namespace {

thread_local bool no_memory = false;

} // namespace

void* operator new(std::size_t size) {
    void* const p = no_memory ? nullptr : std::malloc(size != 0 ? size : 1);
    if (p == nullptr)
        throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

BOOST_AUTO_TEST_CASE(printing_without_memory_prints_the_rest) {
    struct buffer : std::streambuf {
        std::array<char, 200> room{};
        buffer() { setp(room.data(), room.data() + room.size()); }
        std::string text() const { return {pbase(), pptr()}; }
    };
    using long_name = std::vector<std::vector<std::string>>;
    struct an_exception_with_a_long_name {};
    promise<long_name> p, q;
    const auto f = p.get_future(), g = q.get_future();
    p.set_value(long_name());
    q.set_exception(std::make_exception_ptr(an_exception_with_a_long_name()));
    for (const auto* printed : {&f, &g}) {
        buffer room;
        std::ostream out(&room);
        out.exceptions(std::ios::badbit | std::ios::failbit);
        no_memory = true;
        BOOST_CHECK_NO_THROW(out << *printed);
        no_memory = false;
        BOOST_TEST(room.text() == (printed == &f ? "<future finished: returned ?>"
                                                 : "<future finished: raised ?>"));
    }
}
