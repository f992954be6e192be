// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/associator.hpp>

#include <utility>

namespace ferry::detail {

/// Makes of a completion handler one that takes what a wait_op gives: `adapt(handler, ending)`
/// calls the handler with its own arguments. Has the handler's associations.
template <class Handler, class Adapt>
class ending_handler {
public:
    ending_handler(Handler h, Adapt a) : handler(std::move(h)), adapt_(std::move(a)) {}

    template <class Ending>
    void operator()(Ending end) && {
        adapt_(std::move(handler), end);
    }

    Handler handler;

private:
    Adapt adapt_;
};

} // namespace ferry::detail

template <template <class, class> class Associator, class Handler, class Adapt, class Default>
struct boost::asio::associator<Associator, ferry::detail::ending_handler<Handler, Adapt>, Default>
    : Associator<Handler, Default> {
    static typename Associator<Handler, Default>::type
    get(const ferry::detail::ending_handler<Handler, Adapt>& h,
        const Default& d = Default()) noexcept {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};
