// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE wake_event
#include <boost/test/unit_test.hpp>

#include "process/wake_event.hpp"

#include <poll.h>

using ferry::detail::wake_event;

namespace {

bool is_readable(const wake_event& e) {
    pollfd p{e.file(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

} // namespace

BOOST_AUTO_TEST_CASE(it_is_readable_from_set_to_clear) {
    wake_event e;
    BOOST_TEST(!is_readable(e));
    e.set();
    e.set();
    BOOST_TEST(is_readable(e));
    e.clear();
    BOOST_TEST(!is_readable(e));
    e.set();
    BOOST_TEST(is_readable(e));
}

BOOST_AUTO_TEST_CASE(one_that_is_not_set_can_be_cleared) {
    wake_event e;
    e.clear();
    BOOST_TEST(!is_readable(e));
    e.set();
    BOOST_TEST(is_readable(e));
}
