// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// All interleavings of threads that make blocks and threads that give them back, over the real
// memory for blocks: no block is in use twice or lost, slabs with room are found again, and one
// that nobody uses is given back, once, and not touched any more. The mutants show that a weaker
// protocol would be found.
#define BOOST_TEST_MODULE model_slabs
#include "instrumented_slabs.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

enum class mutant : std::uint8_t {
    none,
    lock_does_not_exclude,
    taking_back_is_two_operations,
    pushes_without_a_comparison,
    decides_on_the_first_look,
    looks_whether_it_was_the_last_after_the_push,
    misses_that_there_is_room,
    misses_that_it_was_the_last,
    frees_the_slab_without_the_lock,
    ends_without_closing,
    loses_its_spare_blocks,
    cuts_from_what_it_has_closed
};

mutant fault_made = mutant::none;
bool is(mutant m) { return fault_made == m; }

constexpr unsigned most_threads = 4;
constexpr std::size_t most_blocks = 12, most_per_piece = 8;

using instrumented::fate;
using instrumented::pieces;
using instrumented::room_of_piece;
using instrumented::detail::slab;
using instrumented::detail::slab_store;

/// What the threads do, a character for each thing. A thread has its blocks in a row: `a` allocates
/// one, `-` gives back the first, a digit passes it on to that thread, `r` waits for one that is
/// passed and gives it back, `w` waits for one and keeps it. `.` is the end of the thread, after
/// which only its other thread-locals use blocks; it comes last if it is not said.
struct kind {
    std::array<const char*, most_threads> threads;
    std::size_t block_size = 16; // four to a piece; or 8
    bool pieces_go_round = false, pauses_after_each_push = false;
};

class process {
public:
    explicit process(const kind& k) : kind_(k) {
        instrumented::around = &around_;
        instrumented::detail::of_thread = {}; // from the exploration before
        instrumented::lead_into_trap(around_.trap);
        around_.size_class = slab_store::size_class_of(k.block_size);
        around_.pieces_go_round = k.pieces_go_round;
        around_.pauses_after_each_push = k.pauses_after_each_push;
        around_.lock_excludes = !is(mutant::lock_does_not_exclude);
        around_.exchanges_are_atomic = !is(mutant::taking_back_is_two_operations);
        around_.compares = !is(mutant::pushes_without_a_comparison);
        around_.decides_before_the_push = !is(mutant::looks_whether_it_was_the_last_after_the_push);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    void run(unsigned thread) {
        instrumented::detail::of_thread.of_size[around_.size_class] = {};
        instrumented::detail::of_thread.now = instrumented::detail::stage::open;
        row& mine = has_[thread];
        bool has_ended = false;
        for (const char* at = kind_.threads[thread]; *at != '\0'; ++at) {
            if (*at == 'a')
                mine.append(allocate());
            else if (*at == '-')
                deallocate(mine.take());
            else if (*at == 'r')
                deallocate(receive(thread));
            else if (*at == 'w')
                mine.append(receive(thread));
            else if (*at == '.')
                end(has_ended);
            else
                passed_[static_cast<unsigned>(*at - '0')].append(mine.take());
        }
        if (!has_ended)
            end(has_ended);
        ++finished_;
    }

    std::string fault(bool at_rest) const {
        if (around_.fault != nullptr)
            return around_.fault;
        for (unsigned n = 0; n < pieces; ++n) {
            if (around_.fates[n] == fate::gone && !is_untouched(around_.memory[n]))
                return "a slab is written to that is gone";
        }
        if (!is_untouched(around_.trap))
            return "what a slab held that is gone is followed";
        if (!instrumented::is_locked()) {
            if (std::string wrong = fault_of_list(); !wrong.empty())
                return wrong;
        }
        if (!at_rest)
            return {};
        if (finished_ != most_threads)
            return "a thread hangs";
        for (unsigned n = 0; n < pieces; ++n) {
            if (around_.fates[n] == fate::used) {
                if (std::string wrong = fault_of_closed(n); !wrong.empty())
                    return wrong;
            }
        }
        return {};
    }

private:
    struct row {
        void append(void* block) { blocks[count++] = block; }
        void* take() {
            if (count == 0)
                instrumented::fail("a thread passes what it does not have");
            void* const first = blocks[0];
            std::shift_left(blocks.begin(), blocks.end(), 1);
            blocks[--count] = nullptr;
            return first;
        }
        std::array<void*, most_blocks> blocks{};
        unsigned count = 0;
    };

    // ---- A thread.

    void* allocate() {
        void* const block = instrumented::detail::block_allocate(kind_.block_size);
        const unsigned n = instrumented::piece_with(block);
        if (n == pieces || around_.fates[n] != fate::used)
            instrumented::fail("a block is given out of a slab that is gone");
        bool& used = is_used(block);
        if (used)
            instrumented::fail("a block is given out twice");
        used = true;
        std::memset(block, mark, kind_.block_size);
        return block;
    }
    void deallocate(void* block) {
        const auto* const bytes = static_cast<const unsigned char*>(block);
        if (!std::all_of(bytes, bytes + kind_.block_size, [](auto b) { return b == mark; }))
            instrumented::fail("a block is written to that is in use");
        std::memset(block, 0, kind_.block_size);
        is_used(block) = false;
        slab& s = slab::of(block);
        const std::uint64_t left = used_if_closed(instrumented::piece_with(block));
        if ((is(mutant::misses_that_there_is_room) && left == enough() + 1) ||
            (is(mutant::misses_that_it_was_the_last) && left == 1) ||
            (is(mutant::decides_on_the_first_look) && left > 1 && left <= enough()))
            static_cast<void>(s.give_back_last(block));
        else if (is(mutant::frees_the_slab_without_the_lock) && left == 1)
            free_at_once(s, block);
        else
            instrumented::detail::block_deallocate(block, kind_.block_size);
    }
    static void free_at_once(slab& s, void* block) {
        if (s.give_back_last(block) == slab::turn::is_unused)
            instrumented::detail::slab_memory::instance().give_back(&s);
    }
    void* receive(unsigned thread) {
        if (passed_[thread].count == 0)
            instrumented::stop("receive", [](unsigned t) {
                return model::shared<process>->passed_[t].count != 0;
            });
        return passed_[thread].take();
    }
    void end(bool& has_ended) {
        has_ended = true;
        auto& c = instrumented::detail::of_thread.of_size[around_.size_class];
        if (is(mutant::ends_without_closing))
            c.from = nullptr;
        if (is(mutant::loses_its_spare_blocks))
            c.first = nullptr;
        const auto before = c;
        static_cast<void>(instrumented::detail::at_thread_end());
        if (is(mutant::cuts_from_what_it_has_closed))
            c = before;
    }

    // ---- What is looked at from outside.

    static constexpr unsigned char mark = 0xb7; // what blocks are full of while they are used

    bool& is_used(void* block) {
        const unsigned n = instrumented::piece_with(block);
        const auto* const blocks =
            around_.memory[n].bytes.data() + sizeof(instrumented::piece) - room_of_piece;
        const auto at = static_cast<std::size_t>(static_cast<std::byte*>(block) - blocks);
        if (at >= room_of_piece || at % kind_.block_size != 0)
            instrumented::fail("what is given out is no block");
        return used_[n][at / kind_.block_size];
    }
    bool is_untouched(const instrumented::piece& p) const {
        instrumented::piece never_touched;
        instrumented::lead_into_trap(never_touched);
        return never_touched.bytes == p.bytes;
    }
    // The word of a slab, as `slab` says: the latest block in the list, the count, whether it is
    // closed.
    std::uint64_t word(unsigned n) const {
        return around_.words[n] != nullptr ? *around_.words[n] : 0;
    }
    static bool is_closed(std::uint64_t w) { return (w >> 32) != 0; }
    static std::uint64_t count_of(std::uint64_t w) { return (w >> 16) & 0xffff; }
    // A closed slab has room if so many are in use at most.
    std::uint64_t enough() const {
        const std::size_t blocks = room_of_piece / kind_.block_size;
        return blocks - blocks / 4;
    }
    // 0 if it is open.
    std::uint64_t used_if_closed(unsigned n) const {
        return is_closed(word(n)) ? count_of(word(n)) : 0;
    }

    // While nobody holds the lock the list has those that are closed and have room, and no others.
    std::string fault_of_list() const {
        std::array<bool, pieces> listed{};
        const slab* previous = nullptr;
        for (const slab* s = around_.lists[around_.size_class]; s != nullptr; s = s->next) {
            const unsigned n = instrumented::piece_with(s);
            if (n == pieces || around_.fates[n] != fate::used)
                return "a slab is listed that is gone";
            if (listed[n] || s->previous != previous || !s->listed)
                return "the list is broken";
            if (!is_closed(word(n)))
                return "an open slab is listed";
            listed[n] = true;
            previous = s;
        }
        for (unsigned n = 0; n < pieces; ++n) {
            const std::uint64_t used = used_if_closed(n);
            if (around_.fates[n] != fate::used || used == 0) // it is about to be given back
                continue;
            if (listed[n] != (used <= enough()))
                return listed[n] ? "a slab without room is listed"
                                 : "a closed slab with room is not listed";
        }
        return {};
    }
    // When all is at rest.
    std::string fault_of_closed(unsigned n) const {
        if (!is_closed(word(n)))
            return "a slab stays open";
        const auto used = static_cast<std::uint64_t>(std::ranges::count(used_[n], true));
        if (used == 0)
            return "a slab that nobody uses is kept";
        if (count_of(word(n)) != used)
            return "a block is lost";
        return {};
    }

    instrumented::surroundings around_;
    const kind kind_;
    std::array<row, most_threads> has_, passed_;
    std::array<std::array<bool, most_per_piece>, pieces> used_{};
    unsigned finished_ = 0;
};

model::verdict explore(const kind& k, mutant m = mutant::none) {
    fault_made = m;
    return model::explore<process>(most_threads, k);
}

void check(kind k) {
    for (const bool go_round : {false, true}) {
        k.pieces_go_round = go_round;
        const model::verdict v = explore(k);
        BOOST_TEST_MESSAGE(v.states << " states");
        BOOST_TEST(v.fault == "", v.fault << v.schedule);
        BOOST_TEST(v.states > 1000u);
    }
}

// What the threads do in which it shows, and what it is found by.
struct found {
    mutant m;
    kind k;
    const char* fault;
};

constexpr kind others_give_back{{"aaaa1122a-", "rr", "rr", ""}};
constexpr kind another_opens_it{{"aaaa1122", "rr", "rr", "aaa---"}};

} // namespace

BOOST_AUTO_TEST_CASE(two_threads_give_back_what_a_third_makes_who_makes_more) {
    check(others_give_back);
}
BOOST_AUTO_TEST_CASE(nobody_touches_a_slab_any_more_after_it_has_given_back_to_it) {
    check({.threads = {"aaaa1122a", "rr", "rr", ""}, .pauses_after_each_push = true});
}
BOOST_AUTO_TEST_CASE(three_threads_give_back_a_block_each) {
    check({{"aaaa123a-", "r", "r", "r"}});
}
BOOST_AUTO_TEST_CASE(a_slab_is_opened_by_another_thread_while_it_is_given_back_to) {
    check(another_opens_it);
}
BOOST_AUTO_TEST_CASE(two_threads_open_slabs_while_they_get_room) {
    check({{"aaaa1122", "rr", "rra-", "a-"}});
}
BOOST_AUTO_TEST_CASE(a_slab_is_given_back_from_between_others_in_the_list) {
    check({{"aaaaaaaaaaaa100012221000", "rrr", "rrr", "a"}});
}
BOOST_AUTO_TEST_CASE(a_thread_keeps_blocks_of_another_until_it_closes_its_own_slab) {
    check({{"aaaaaa112211", "arrra-r-", "w-wa-", ""}});
}
BOOST_AUTO_TEST_CASE(a_thread_takes_back_what_it_has_open) {
    check({{"aaaa1111a2a2", "rrrr", "rr", ""}});
}
BOOST_AUTO_TEST_CASE(a_thread_takes_back_more_than_a_few_only) {
    check({.threads = {"aaaaaaaa1122a", "rr", "rr", ""}, .block_size = 8});
    check({.threads = {"aaaaaaaa11112222", "rrrr", "rrrr", ""}, .block_size = 8});
}
BOOST_AUTO_TEST_CASE(a_thread_makes_blocks_after_its_end) {
    check({{"aa.a11aa22", "rr", "rr", "a"}});
}

BOOST_AUTO_TEST_CASE(each_mutant_is_found) {
    for (const found& x :
         {found{mutant::lock_does_not_exclude, another_opens_it, "an assertion fails"},
          found{mutant::taking_back_is_two_operations, others_give_back,
                "a slab that nobody uses is kept"},
          found{mutant::pushes_without_a_comparison, others_give_back,
                "a slab that nobody uses is kept"},
          found{mutant::decides_on_the_first_look, others_give_back,
                "a slab that nobody uses is kept"},
          found{mutant::looks_whether_it_was_the_last_after_the_push, others_give_back,
                "a slab is touched that is gone"},
          found{mutant::misses_that_there_is_room, others_give_back,
                "a closed slab with room is not listed"},
          found{mutant::misses_that_it_was_the_last, others_give_back,
                "a slab that nobody uses is kept"},
          found{mutant::frees_the_slab_without_the_lock, others_give_back,
                "a slab is listed that is gone"},
          found{mutant::ends_without_closing, others_give_back, "a slab stays open"},
          found{mutant::loses_its_spare_blocks, others_give_back,
                "a slab that nobody uses is kept"},
          found{mutant::cuts_from_what_it_has_closed,
                {{"aa.a", "", "", "aaa"}},
                "a block is given out twice"}}) {
        const model::verdict v = explore(x.k, x.m);
        BOOST_TEST_MESSAGE("mutant " << static_cast<int>(x.m) << ": " << v.states << " states");
        BOOST_TEST(v.fault == x.fault,
                   "mutant " << static_cast<int>(x.m) << ": " << v.fault << v.schedule);
    }
}
