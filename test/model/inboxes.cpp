// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// All interleavings of threads that push and threads that take, over the real inbox: no item is
// lost, taken twice or overtaken by a later one of the same thread, and after a push either the list
// is not empty or the item has been taken. The mutants show that a weaker protocol would be found.
#define BOOST_TEST_MODULE model_inboxes
#include "instrumented_inbox.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace {

enum class mutant : std::uint8_t {
    none,
    exchange_is_two_operations,
    takes_without_a_comparison,
    leaves_links_where_they_were
};

mutant fault_made = mutant::none;
bool is(mutant m) { return fault_made == m; }

constexpr unsigned most_pushers = 3, takers = 2, threads = most_pushers + takers, most_items = 3;

using instrumented::detail::work_item;

/// How many items each thread pushes.
struct kind {
    std::array<unsigned, most_pushers> pushes;
};

class queue {
public:
    explicit queue(const kind& k) : kind_(k) {
        instrumented::around = &around_;
        around_.exchanges_are_atomic = !is(mutant::exchange_is_two_operations);
        around_.compares = !is(mutant::takes_without_a_comparison);
        around_.links_are_reset = !is(mutant::leaves_links_where_they_were);
    }
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;

    void run(unsigned thread) {
        if (thread < takers)
            take(thread);
        else
            push(thread - takers);
    }

    std::string fault(bool at_rest) const {
        if (!around_.assertions_hold)
            return "an assertion fails";
        if (seems_empty_)
            return "it is empty after a push";
        if (overtaken_)
            return "an item is overtaken";
        unsigned all = 0;
        for (unsigned p = 0; p < most_pushers; ++p) {
            all += kind_.pushes[p];
            for (const work_item& r : items_[p]) {
                if (r.taken > 1)
                    return "an item is taken twice";
            }
        }
        return at_rest && taken_ != all ? "an item is lost" : "";
    }

private:
    void push(unsigned pusher) {
        for (unsigned i = 0; i < kind_.pushes[pusher]; ++i) {
            work_item& r = items_[pusher][i];
            inbox_.push(r, true);
            if (inbox_.empty() && r.taken == 0)
                seems_empty_ = true;
            told_ = true;
        }
    }

    // One at a time, as under the pool's lock. A taker that finds nothing waits until it is told of
    // a push that came later.
    void take(unsigned taker) {
        for (;;) {
            static_cast<void>(model::machine::wait(
                "told", [](unsigned) { return model::shared<queue>->may_take(); }, false));
            locked_ = true;
            told_ = false;
            while (work_item* const r = inbox_.pop()) {
                note(*r);
                if (taker == 0) { // it leaves the rest to whoever comes next
                    told_ = true;
                    break;
                }
            }
            locked_ = false;
        }
    }
    bool may_take() const { return told_ && !locked_; }
    void note(work_item& r) {
        ++r.taken;
        ++taken_;
        for (const auto& of_one : items_) {
            const auto* const at = std::ranges::find(of_one, &r, [](auto& x) { return &x; });
            overtaken_ = overtaken_ ||
                         (at != of_one.end() &&
                          std::any_of(of_one.begin(), at, [](auto& x) { return x.taken == 0; }));
        }
    }

    instrumented::surroundings around_;
    const kind kind_;
    instrumented_std::atomic<std::uint64_t> pushed_{0};
    instrumented::detail::inbox inbox_{pushed_};
    std::array<std::array<work_item, most_items>, most_pushers> items_;
    bool told_ = false, locked_ = false, seems_empty_ = false, overtaken_ = false;
    unsigned taken_ = 0;
};

model::verdict explore(const kind& k, mutant m = mutant::none) {
    fault_made = m;
    return model::explore<queue>(threads, k);
}

void check(const kind& k) {
    const model::verdict v = explore(k);
    BOOST_TEST_MESSAGE(v.states << " states");
    BOOST_TEST(v.fault == "", v.fault << v.schedule);
    BOOST_TEST(v.states > 500u);
}

constexpr kind two_and_one{{2, 1, 0}};

} // namespace

BOOST_AUTO_TEST_CASE(one_pushes_three) { check({{3, 0, 0}}); }
BOOST_AUTO_TEST_CASE(two_push_two_and_one) { check(two_and_one); }
BOOST_AUTO_TEST_CASE(two_push_two_each) { check({{2, 2, 0}}); }
BOOST_AUTO_TEST_CASE(three_push_one_each) { check({{1, 1, 1}}); }

BOOST_AUTO_TEST_CASE(each_mutant_is_found) {
    for (const auto& [m, fault] :
         {std::pair{mutant::exchange_is_two_operations, "an item is lost"},
          std::pair{mutant::takes_without_a_comparison, "it is empty after a push"},
          std::pair{mutant::leaves_links_where_they_were, "an item is lost"}}) {
        const model::verdict v = explore(two_and_one, m);
        BOOST_TEST_MESSAGE("mutant " << static_cast<int>(m) << ": " << v.states << " states");
        BOOST_TEST(v.fault == fault,
                   "mutant " << static_cast<int>(m) << ": " << v.fault << v.schedule);
    }
}
