// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE worker_slots
#include <boost/test/unit_test.hpp>

#include "process/worker_slots.hpp"

#include "helpers/fake_call.hpp"
#include "process/segment.hpp"

#include <memory>
#include <vector>

// A worker's tasks, claimed and answered by a worker that is played here.

using namespace ferry::detail;
using wire::slot_state;

namespace {

struct bench {
    ~bench() {
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            if (slots[slot] != nullptr)
                static_cast<void>(slots.release(slot));
        }
        BOOST_TEST(slots.empty());
    }
    remote_call& offer(std::size_t bytes = 0) {
        const fake_call_ptr& c = calls.emplace_back(new fake_call);
        if (bytes != 0)
            c->arguments = payload(std::vector<std::byte>(bytes));
        ++number;
        slots.offer(remote_call_ptr(c.get()), number, static_cast<std::int64_t>(1000 * number));
        return *c;
    }
    /// What the worker does.
    bool claim(const remote_call& c) {
        return (*shared)[c.slot].move(c.number, slot_state::offered, slot_state::claimed);
    }
    bool finish(const remote_call& c) {
        return (*shared)[c.slot].move(c.number, slot_state::claimed, slot_state::done);
    }

    std::unique_ptr<worker_slots::shared_slots> shared =
        std::make_unique<worker_slots::shared_slots>();
    worker_slots slots{*shared};
    std::vector<fake_call_ptr> calls;
    std::uint64_t number = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_task_is_offered_claimed_done_and_released) {
    bench b;
    BOOST_TEST(b.slots.empty());
    remote_call& c = b.offer();
    BOOST_TEST(!b.slots.empty());
    BOOST_TEST(b.slots[c.slot].get() == &c);
    BOOST_TEST(c.number == 1u);
    BOOST_TEST(b.slots.offered_ns(c) == 1000);
    BOOST_TEST(b.slots.is_unstarted(c));
    BOOST_TEST(b.slots.running() == nullptr);
    BOOST_TEST(b.claim(c));
    BOOST_TEST(b.slots.running() == &c);
    BOOST_TEST(!b.slots.is_unstarted(c));
    BOOST_TEST(b.finish(c));
    BOOST_TEST(b.slots.running() == nullptr);
    BOOST_TEST(b.slots.is(c, slot_state::done));
    BOOST_TEST(b.slots.release(c.slot).get() == &c);
    BOOST_TEST(b.slots[c.slot].get() == nullptr);
    BOOST_TEST(b.slots.empty());
}

BOOST_AUTO_TEST_CASE(only_what_the_worker_has_not_claimed_is_withdrawn) {
    bench b;
    remote_call& c = b.offer();
    remote_call& d = b.offer();
    BOOST_TEST(b.claim(c));
    BOOST_TEST(!b.slots.revoke(c.slot));
    BOOST_TEST(b.slots.revoke(d.slot));
    BOOST_TEST(!b.claim(d));
    BOOST_TEST(!b.slots.revoke(63)); // nothing is there
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_used_again_is_not_that_of_the_earlier_task) {
    bench b;
    remote_call& c = b.offer();
    const std::uint16_t slot = c.slot;
    BOOST_TEST(b.slots.revoke(slot));
    static_cast<void>(b.slots.release(slot));
    remote_call& d = b.offer();
    BOOST_TEST(d.slot == slot);
    BOOST_TEST(!b.claim(c)); // its frame is still in the ring
    BOOST_TEST(b.claim(d));
}

BOOST_AUTO_TEST_CASE(all_slots_can_be_used) {
    bench b;
    for (std::size_t n = 0; n != wire::slot_count; ++n) {
        BOOST_TEST(!b.slots.is_full());
        b.offer();
    }
    BOOST_TEST(b.slots.is_full());
    static_cast<void>(b.slots.release(17));
    BOOST_TEST(!b.slots.is_full());
    BOOST_TEST(b.offer().slot == 17u);
}

BOOST_AUTO_TEST_CASE(two_tasks_with_large_arguments_are_the_most) {
    bench b;
    b.offer(large_payload);
    b.offer(large_payload - 1);
    BOOST_TEST(!b.slots.is_full_of_large());
    const remote_call& second = b.offer(large_payload);
    BOOST_TEST(b.slots.is_full_of_large());
    static_cast<void>(b.slots.release(second.slot));
    BOOST_TEST(!b.slots.is_full_of_large());
}

BOOST_AUTO_TEST_CASE(a_condemned_task_is_answered_no_more) {
    bench b;
    remote_call& c = b.offer();
    BOOST_TEST(!b.slots.condemn(c.slot)); // the worker does not run it
    BOOST_TEST(b.claim(c));
    BOOST_TEST(b.slots.condemn(c.slot));
    BOOST_TEST(b.slots.is_condemned(c.slot));
    BOOST_TEST(!b.finish(c));
    BOOST_TEST(b.slots.running() == nullptr);
    BOOST_TEST(!b.slots.begun(0).has_value()); // it has its outcome
    static_cast<void>(b.slots.release(c.slot));
    BOOST_TEST(!b.slots.is_condemned(c.slot));
}

BOOST_AUTO_TEST_CASE(the_oldest_task_that_has_begun_is_the_one_of_which_the_worker_died) {
    bench b;
    remote_call& c = b.offer();
    remote_call& d = b.offer();
    b.offer();
    BOOST_TEST(!b.slots.begun(0).has_value());
    BOOST_TEST(b.slots.begun(d.number).value() == d.number); // it was denied
    BOOST_TEST(b.claim(d));
    BOOST_TEST(b.slots.begun(0).value() == d.number);
    BOOST_TEST(b.claim(c)); // no honest worker runs two
    BOOST_TEST(b.slots.begun(0).value() == c.number);
    BOOST_TEST(b.slots.begun(d.number).value() == c.number);
}

BOOST_AUTO_TEST_CASE(slots_say_no_more_than_a_worker_can_do) {
    bench b;
    BOOST_TEST(b.slots.are_sound());
    remote_call& c = b.offer();
    remote_call& d = b.offer();
    BOOST_TEST(b.slots.are_sound());
    BOOST_TEST(b.claim(c));
    BOOST_TEST(b.slots.are_sound());
    BOOST_TEST(b.claim(d));
    BOOST_TEST(!b.slots.are_sound()); // it runs two
    BOOST_TEST(b.finish(c));
    BOOST_TEST(b.slots.are_sound());
    (*b.shared)[d.slot].offer(d.number + 1);
    BOOST_TEST(!b.slots.are_sound()); // another task's
}
