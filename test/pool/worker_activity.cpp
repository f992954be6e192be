// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE worker_activity
#include "pool/worker_activity.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>

namespace {

using ferry::detail::adaptive_mutex;
using ferry::detail::scoped_lock;
using ferry::detail::worker_activity;

class task final : public ferry::detail::shared_state<void> {
public:
    explicit task(std::string label) : label_(std::move(label)) {}
    std::string label() const override { return label_; }

private:
    std::string label_;
};
using task_ptr = boost::intrusive_ptr<task>;

task_ptr make_task(std::string label = "a task") { return task_ptr(new task(std::move(label))); }

// What is read of it; empty if nothing is.
std::string read(worker_activity& a, bool finalizer_too = true) {
    std::string out;
    const bool was_read = a.visit(finalizer_too, [&](auto&& what, std::int64_t) { out = what(); });
    BOOST_TEST(was_read == !out.empty());
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_idle_worker_is_not_read) {
    worker_activity a;
    BOOST_TEST(a.is_idle());
    BOOST_TEST(a.is_available());
    BOOST_TEST(read(a) == "");
}

BOOST_AUTO_TEST_CASE(each_activity_has_a_description) {
    worker_activity a;
    a.be_starting();
    BOOST_TEST(!a.is_idle());
    BOOST_TEST(a.is_available());
    a.begin_initializer(1);
    BOOST_TEST(read(a) == "the initializer");
    a.end();
    BOOST_TEST(a.is_idle());

    const auto t = make_task();
    a.begin(t.get(), 2);
    BOOST_TEST(!a.is_available());
    BOOST_TEST(read(a) == "a task");
    a.forget_and_be_busy(*t);
    BOOST_TEST(!a.is_available());
    a.end();
    a.begin(nullptr, 3);
    BOOST_TEST(read(a) == "a function without a future");
    a.end();
    BOOST_TEST(a.is_available());

    a.begin_finalizer(4);
    BOOST_TEST(read(a) == "the finalizer");
    BOOST_TEST(read(a, false) == "");
    a.be_ending();
    BOOST_TEST(!a.is_available());
    BOOST_TEST(read(a) == "");
}

BOOST_AUTO_TEST_CASE(the_time_is_that_of_what_it_does) {
    worker_activity a;
    const auto t = make_task();
    a.begin(t.get(), 42);
    a.visit(false, [](auto&&, std::int64_t since) { BOOST_TEST(since == 42); });
}

BOOST_AUTO_TEST_CASE(the_destruction_of_an_outcome_has_the_name_of_the_task_or_of_its_type) {
    adaptive_mutex mutex;
    worker_activity a;
    for (const std::string label : {"", "mine", ""}) {
        const auto t = make_task();
        t->extra = std::make_unique<ferry::detail::task_extra>();
        t->extra->label = label;
        t->fail(std::make_exception_ptr(1), false);
        a.begin(t.get(), 1);
        BOOST_TEST(a.destroy_outcome(*t, typeid(int), mutex));
        BOOST_TEST(read(a) == "the destructor of the outcome of '" +
                                  (label.empty() ? std::string("int") : label) + "'");
        a.end();
        BOOST_TEST(a.is_available());
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_available_before_it_destroys_says_so) {
    adaptive_mutex mutex;
    worker_activity a;
    const auto t = make_task();
    t->fail(std::make_exception_ptr(1), false);
    a.begin(t.get(), 1);
    a.forget_and_end(*t);
    BOOST_TEST(!a.destroy_outcome(*t, typeid(int), mutex));
    BOOST_TEST(!a.is_available());
}

// The worker frees its tasks while their labels are read, until enough of them were.
BOOST_AUTO_TEST_CASE(a_label_is_read_whole_or_not_at_all) {
    constexpr int enough = 20;
    const std::string label(100, 'x');
    adaptive_mutex mutex; // the pool's
    worker_activity a;
    std::atomic<int> reads{0};
    std::thread worker([&] {
        for (int i = 0; reads.load() < enough; ++i) {
            const auto t = make_task(label);
            {
                const scoped_lock lock(mutex);
                a.begin(t.get(), i);
            }
            if (i % 2 == 0) {
                a.forget_and_end(*t);
            } else {
                a.forget_and_be_busy(*t);
                a.end();
            }
        }
    });
    bool right = true;
    while (reads.load() < enough) {
        {
            const scoped_lock lock(mutex);
            a.visit(false, [&](auto&& what, std::int64_t) {
                const std::string read = what();
                right = right && (read == label || read == "a function without a future");
                reads += read == label ? 1 : 0;
            });
        }
        std::this_thread::yield(); // to the worker, where there is one processor
    }
    worker.join();
    BOOST_TEST(right);
    BOOST_TEST(a.is_idle());
}
