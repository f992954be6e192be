// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE task_queue
#include "pool/task_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace {

using ferry::detail::scoped_lock;
using ferry::detail::task_queue;
using ferry::detail::work_item;

struct item final : work_item {
    explicit item(int p = 0) { priority = p; }
    void run() override {}
    void drop(std::exception_ptr) noexcept override { ++dropped; }
    bool stale() const noexcept override { return claimed; }
    bool is_task() const noexcept override { return true; }

    bool claimed = false;
    int dropped = 0;
};

// A queue and its lock, stepped by one thread.
struct fixture {
    work_item* take() {
        const scoped_lock lock(mutex);
        return queue.take();
    }
    void drain() {
        const scoped_lock lock(mutex);
        queue.drain();
    }
    bool revoke(const item& i) {
        const scoped_lock lock(mutex);
        return queue.revoke(i);
    }
    std::size_t live_tasks() {
        const scoped_lock lock(mutex);
        return queue.live_tasks();
    }
    std::size_t live_tasks_before(int priority) {
        const scoped_lock lock(mutex);
        return queue.live_tasks_before(priority);
    }
    /// What is seen without the lock is what is there.
    bool is_empty() {
        const scoped_lock lock(mutex);
        BOOST_TEST(queue.any() == queue.may_have_items());
        return !queue.any();
    }
    void push(item& i) {
        task_queue::reservation memory(queue, i.priority);
        memory.use();
        queue.push(i, true);
    }

    ferry::detail::adaptive_mutex mutex;
    ferry::detail::recording::pool record{};
    task_queue queue{mutex, record};
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_was_drained_is_taken_before_what_was_pushed_later, fixture) {
    std::array<item, 4> items;
    push(items[0]);
    push(items[1]);
    drain();
    push(items[2]);
    BOOST_TEST(take() == &items[0]);
    push(items[3]);
    for (const std::size_t i : {1U, 2U, 3U}) {
        BOOST_TEST(!is_empty());
        BOOST_TEST(take() == &items[i]);
    }
    BOOST_TEST(is_empty());
    BOOST_TEST(take() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(an_item_with_a_priority_overtakes_those_in_the_inbox, fixture) {
    item last(-1), normal, urgent(2);
    push(last);
    push(normal);
    push(urgent);
    BOOST_TEST(live_tasks_before(3) == 0u);
    BOOST_TEST(live_tasks_before(0) == 2u);
    BOOST_TEST(take() == &urgent);
    BOOST_TEST(take() == &normal);
    BOOST_TEST(!is_empty());
    BOOST_TEST(take() == &last);
    BOOST_TEST(is_empty());
}

BOOST_FIXTURE_TEST_CASE(a_revoked_item_is_out_and_is_revoked_once, fixture) {
    item first, only(1);
    push(first);
    push(only);
    BOOST_TEST(revoke(only));
    BOOST_TEST(!revoke(only));
    BOOST_TEST(live_tasks() == 1u);
    BOOST_TEST(revoke(first));
    BOOST_TEST(is_empty());
    BOOST_TEST(live_tasks() == 0u);
}

BOOST_FIXTURE_TEST_CASE(claimed_tasks_count_no_more_and_are_dropped_when_they_are_most, fixture) {
    std::vector<item> items(600);
    for (item& i : items)
        push(i);
    std::size_t claimed = 0;
    bool purge = false;
    for (; claimed < items.size() && !purge; ++claimed) {
        items[claimed].claimed = true;
        purge = queue.on_claimed();
    }
    BOOST_TEST(claimed == 257u);
    BOOST_TEST(live_tasks() == items.size() - claimed);
    queue.purge_claimed(); // they are fewer than half: none goes
    BOOST_TEST(items[0].dropped == 0);
    for (purge = false; claimed < items.size() && !purge; ++claimed) {
        items[claimed].claimed = true;
        purge = queue.on_claimed();
    }
    BOOST_TEST(claimed == 557u); // 256 and half of those that were there
    queue.purge_claimed();
    for (std::size_t i = 0; i < items.size(); ++i)
        BOOST_TEST(items[i].dropped == (i < claimed ? 1 : 0));
    for (std::size_t i = 0; i < claimed; ++i)
        queue.on_claimed_removed(); // as the tasks themselves say when they are dropped
    BOOST_TEST(live_tasks() == items.size() - claimed);
    BOOST_TEST(take() == &items[claimed]);
}

BOOST_FIXTURE_TEST_CASE(readers_outside_see_what_came_and_what_went, fixture) {
    std::array<item, 3> items;
    for (item& i : items)
        push(i);
    drain(); // takes nothing for a worker
    static_cast<void>(take());
    BOOST_TEST(record.pushed.load() == 3u);
    BOOST_TEST(record.taken.load() == 1u);
    {
        item added;
        const scoped_lock lock(mutex);
        queue.add(added);
        BOOST_TEST(queue.extract_all().tasks == 3u);
    }
    BOOST_TEST(record.pushed.load() == 4u);
    BOOST_TEST(is_empty());
}
