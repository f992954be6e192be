// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a pool is told of a call of a worker host.
#define BOOST_TEST_MODULE task_outcome
#include <boost/test/unit_test.hpp>

#include <ferry/process_pool.hpp>

#include "cluster/task_outcome.hpp"

#include <cstring>

using namespace std::chrono_literals;
using namespace ferry::detail;
using namespace ferry::detail::cluster;

namespace {

const task_id id{"ferry.reply.a", 7, 2};

struct told {
    outcome_kind kind;
    std::chrono::nanoseconds run_time;
    std::vector<std::byte> bytes;

    // The exception in it, as text: its class and what it says.
    std::string error() const {
        byte_source in(bytes);
        try {
            std::rethrow_exception(get_exception(in));
        } catch (const std::exception& e) {
            return demangle(typeid(e).name()) + ": " + e.what();
        }
    }
};

told read(const report& r) {
    BOOST_TEST(r.key == id.reply_to);
    BOOST_TEST((r.id == id));
    BOOST_TEST(!r.starts);
    std::string why;
    const auto f = read_frame(r.body, why);
    BOOST_TEST_REQUIRE(f.has_value(), why);
    const auto& o = std::get<outcome_frame>(*f);
    BOOST_TEST(o.number == id.number);
    BOOST_TEST(o.round == id.round);
    return {o.kind, o.run_time, {o.bytes.begin(), o.bytes.end()}};
}

struct fixture {
    arrived_task task{.frame = {.id = id, .label = "f"},
                      .call = host_call_ptr(new host_call(nullptr, typeid(void)))};
    ferry::cluster_options options;
    ferry::cluster_worker_options worker_options;

    task_outcome outcome() const { return {task, options, worker_options}; }
    void succeed(const std::vector<std::byte>& bytes) const {
        byte_source in(bytes);
        task.call->finish(in);
    }
    void fail(std::exception_ptr e) const { task.call->fail(std::move(e)); }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_result_goes_to_the_pool_as_the_worker_has_encoded_it, fixture) {
    const std::vector<std::byte> bytes(5, std::byte(42));
    succeed(bytes);
    const auto o = outcome();
    BOOST_TEST(!o.is_broken());
    const told t = read(o.report_of(id, 3s));
    BOOST_TEST((t.kind == outcome_kind::value));
    BOOST_TEST((t.bytes == bytes));
    BOOST_TEST((t.run_time == 3s));
}

BOOST_FIXTURE_TEST_CASE(so_does_the_exception_of_the_task, fixture) {
    const auto bytes = encode_alone([](byte_sink& out) {
        put_exception(out, std::make_exception_ptr(std::invalid_argument("no")));
    });
    byte_source in(bytes);
    task.call->finish_with_error(in);
    const told t = read(outcome().report_of(id, 0s));
    BOOST_TEST((t.kind == outcome_kind::error));
    BOOST_TEST((t.bytes == bytes));
}

BOOST_FIXTURE_TEST_CASE(a_result_that_is_too_large_is_an_error, fixture) {
    options.max_message = 100;
    succeed(std::vector<std::byte>(101));
    const told t = read(outcome().report_of(id, 0s));
    BOOST_TEST((t.kind == outcome_kind::error));
    BOOST_TEST(t.error() ==
               "std::length_error: the result of the task 'f' takes 101 bytes, and "
               "cluster_options::max_message allows 100; return a reference to the data, a path or "
               "a URL, instead of the data");
}

BOOST_FIXTURE_TEST_CASE(the_largest_result_that_is_allowed_is_none, fixture) {
    options.max_message = 100;
    succeed(std::vector<std::byte>(100));
    BOOST_TEST((read(outcome().report_of(id, 0s)).kind == outcome_kind::value));
}

BOOST_FIXTURE_TEST_CASE(a_task_whose_worker_died_may_be_run_again, fixture) {
    fail(make_error<ferry::worker_died>("signal 9"));
    const auto o = outcome();
    BOOST_TEST(!o.is_broken());
    const told t = read(o.report_of(id, 0s));
    BOOST_TEST((t.kind == outcome_kind::died));
    BOOST_TEST(t.error() == "ferry::worker_died: signal 9 [ferry:13]");
}

BOOST_FIXTURE_TEST_CASE(a_broken_pool_is_no_outcome_of_the_task, fixture) {
    fail(make_error<ferry::broken_process_pool>("no workers"));
    BOOST_TEST(outcome().is_broken());
}

BOOST_FIXTURE_TEST_CASE(a_limit_of_the_host_is_named_and_one_of_the_task_is_not, fixture) {
    worker_options.max_run = 2s;
    fail(make_error<ferry::timeout_error>("too long"));
    const told own = read(outcome().report_of(id, 0s));
    BOOST_TEST((own.kind == outcome_kind::error));
    BOOST_TEST(own.error() == "ferry::timeout_error: too long [ferry:1]");
    task.limited_by_host = true;
    BOOST_TEST(read(outcome().report_of(id, 0s)).error() ==
               "ferry::timeout_error: the task 'f' ran longer than "
               "cluster_worker_options::max_run of its host, " +
                   text_of(worker_options.max_run) + " [ferry:1]");
}

BOOST_FIXTURE_TEST_CASE(another_error_goes_to_the_pool_whatever_limits_there_are, fixture) {
    task.limited_by_host = true;
    fail(std::make_exception_ptr(std::out_of_range("3")));
    const auto o = outcome();
    BOOST_TEST(!o.is_broken());
    BOOST_TEST(read(o.report_of(id, 0s)).error() == "std::out_of_range: 3");
}

BOOST_AUTO_TEST_CASE(a_task_that_is_refused_hears_why) {
    const auto o = task_outcome::refused("f", "ferry::cluster_pool", "no such code");
    BOOST_TEST(!o.is_broken());
    const told t = read(o.report_of(id, 0s));
    BOOST_TEST((t.kind == outcome_kind::error));
    const std::string text = t.error();
    BOOST_TEST(text.starts_with("ferry::remote_error"), text);
    BOOST_TEST(text.find("the task 'f' was refused: no such code") != std::string::npos, text);
}
