// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// All interleavings of a pool and its worker processes over the slots in their shared memory: a
// task that was handed out runs and is answered, or is taken back and never runs, or fails with the
// worker that is ended for it; one of them, and once. The steps of the slot are those of
// wire::task_slot; the mutants show that a weaker step would be found.
#define BOOST_TEST_MODULE model_task_slot
#include "explorer.hpp"
#include "process/wire.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <utility>

namespace {

using ferry::detail::wire::slot_state;
using ferry::detail::wire::task_slot;

enum class mutant : std::uint8_t {
    none,
    pool_takes_back_unseen, // without looking whether it is still offered
    worker_starts_unseen,   // likewise
    worker_claims_in_two_steps,
    any_number_starts,        // the slot does not say which task it holds
    worker_is_done_unseen,    // without looking whether it was condemned
    condemns_what_is_done,    // the pool does not look whether it still runs
    condemned_worker_goes_on, // and starts the next task
};

enum class outcome : std::uint8_t { none, value, cancelled, condemned };

constexpr unsigned tasks = 2;
constexpr unsigned slots = 2;
constexpr unsigned ring_size = 4;      // frames, more than there ever are
constexpr unsigned most_hand_outs = 4; // so that a slot is used again

enum worker_at : std::uint8_t { reads, claims, claims_now, runs, ends, answers, halts, gone };

struct slot_model {
    struct state {
        std::array<std::uint8_t, slots> number{}, word{};   // the slots
        std::array<std::uint8_t, slots> held{tasks, tasks}; // what the pool has put there; or none
        std::uint8_t next_number = 1;                       // of the next task handed out
        std::uint8_t publishes = 0; // 1 + the slot of which the pool has not yet written the frame
        std::uint8_t condemned = 0; // 1 + the slot
        std::uint8_t answered = 0;  // 1 + the slot
        std::uint8_t frames = 0, at = reads, number_read = 0, task_read = 0, slot_read = 0;
        std::uint8_t twice = 0, went_on = 0;
        std::array<std::uint8_t, ring_size> frame_number{}, frame_task{}, frame_slot{};
        std::array<std::uint8_t, tasks> ran{};
        std::array<outcome, tasks> out{};
        bool operator==(const state&) const = default;
    };

    mutant fault_made = mutant::none;

    state initial() const { return {}; }

    std::string fault(const state& s, bool at_rest) const {
        if (s.twice != 0)
            return "a task has two outcomes";
        for (unsigned i = 0; i < tasks; ++i) {
            if (s.ran[i] > 1)
                return "a task ran twice";
            if (s.out[i] == outcome::cancelled && s.ran[i] != 0)
                return "a task that was taken back ran";
            if (s.out[i] == outcome::value && s.ran[i] != 1)
                return "a task was answered that did not run";
        }
        if (s.went_on != 0)
            return "a condemned worker started another task";
        if (at_rest && (s.out[0] == outcome::none || s.out[1] == outcome::none))
            return "a task has no outcome";
        return {};
    }

    void steps(const state& from, std::vector<model::step<state>>& out) const {
        const auto add = [&](unsigned thread, const char* name, auto change) {
            state to = from;
            if (change(to))
                out.push_back({to, thread, name, false});
        };
        if (from.publishes != 0) {
            add(0, "publish the frame", [&](state& s) {
                const unsigned slot = s.publishes - 1u;
                s.frame_number[s.frames] = s.number[slot];
                s.frame_slot[s.frames] = static_cast<std::uint8_t>(slot);
                s.frame_task[s.frames++] = s.held[slot];
                s.publishes = 0;
                return true;
            });
        } else {
            for (std::uint8_t i = 0; i < tasks; ++i) {
                add(0, "offer", [&](state& s) { return offer(s, i); });
                add(0, "cancel in the queue", [&](state& s) { return cancel_queued(s, i); });
            }
            for (std::uint8_t slot = 0; slot < slots; ++slot) {
                // Its task goes back to the queue, for another turn, or is cancelled.
                add(0, "take back", [&](state& s) { return take_back(s, slot, true); });
                add(0, "cancel", [&](state& s) { return take_back(s, slot, false); });
                add(0, "condemn", [&](state& s) { return condemn(s, slot); });
            }
            add(0, "read the answer", [&](state& s) { return read_answer(s); });
            add(0, "replace the worker", [&](state& s) { return replace(s); });
        }
        if (from.condemned != 0 && from.at != gone) {
            add(2, "kill", [](state& s) {
                s.at = gone;
                return true;
            });
        }
        add(1, "worker", [&](state& s) { return work(s); });
    }

private:
    bool is(mutant m) const { return fault_made == m; }

    // The real slot takes the step.
    template <class Step>
    static bool with_slot(state& s, unsigned slot, Step step) {
        task_slot real{};
        real.offer(s.number[slot]);
        static_cast<void>(
            real.move(s.number[slot], slot_state::offered, static_cast<slot_state>(s.word[slot])));
        const bool done = step(real);
        for (std::uint8_t n = 0; n <= most_hand_outs; ++n) {
            for (std::uint8_t w = 0; w <= static_cast<std::uint8_t>(slot_state::condemned); ++w) {
                if (real.is(n, static_cast<slot_state>(w))) {
                    s.number[slot] = n;
                    s.word[slot] = w;
                }
            }
        }
        return done;
    }
    bool move(state& s, unsigned slot, std::uint8_t number, slot_state from, slot_state to) const {
        if (is(mutant::any_number_starts) && to == slot_state::claimed)
            number = s.number[slot];
        return with_slot(s, slot, [&](task_slot& real) { return real.move(number, from, to); });
    }
    static void force(state& s, unsigned slot, slot_state to) {
        s.word[slot] = static_cast<std::uint8_t>(to);
    }
    static bool is_in(const state& s, unsigned slot, slot_state w) {
        return s.word[slot] == static_cast<std::uint8_t>(w);
    }
    static void end(state& s, unsigned task, outcome o) {
        if (std::exchange(s.out[task], o) != outcome::none)
            s.twice = 1;
    }

    // ---- The pool, whose steps are under its lock but for the slots and the rings.

    static bool is_held(const state& s, unsigned task) {
        return s.held[0] == task || s.held[1] == task;
    }
    static bool offer(state& s, std::uint8_t task) {
        const unsigned slot = s.held[0] == tasks ? 0 : 1;
        if (s.held[slot] != tasks || is_held(s, task) || s.out[task] != outcome::none ||
            s.condemned != 0 || s.at == gone || s.next_number > most_hand_outs)
            return false;
        s.held[slot] = task;
        s.publishes = static_cast<std::uint8_t>(slot + 1);
        const std::uint8_t number = s.next_number++;
        return with_slot(s, slot, [&](task_slot& real) {
            real.offer(number);
            return true;
        });
    }
    static bool cancel_queued(state& s, std::uint8_t task) {
        if (is_held(s, task) || s.out[task] != outcome::none)
            return false;
        end(s, task, outcome::cancelled);
        return true;
    }
    bool take_back(state& s, unsigned slot, bool again) const {
        if (s.held[slot] == tasks || s.condemned == slot + 1)
            return false;
        if (is(mutant::pool_takes_back_unseen))
            force(s, slot, slot_state::free);
        else if (!move(s, slot, s.number[slot], slot_state::offered, slot_state::free))
            return false;
        if (!again)
            end(s, s.held[slot], outcome::cancelled);
        s.held[slot] = tasks;
        return true;
    }
    bool condemn(state& s, unsigned slot) const {
        if (s.held[slot] == tasks || s.condemned != 0 || s.at == gone)
            return false;
        if (is(mutant::condemns_what_is_done) && is_in(s, slot, slot_state::done))
            force(s, slot, slot_state::condemned);
        else if (!move(s, slot, s.number[slot], slot_state::claimed, slot_state::condemned))
            return false;
        s.condemned = static_cast<std::uint8_t>(slot + 1);
        end(s, s.held[slot], outcome::condemned);
        return true;
    }
    static bool read_answer(state& s) {
        if (s.answered == 0)
            return false;
        const unsigned slot = s.answered - 1u;
        s.answered = 0;
        if (s.held[slot] == tasks) {
            s.twice = 1; // it was given away meanwhile
            return true;
        }
        end(s, s.held[slot], outcome::value);
        s.held[slot] = tasks;
        return true;
    }
    // The worker has ended and its answers were read: the next one has a channel of its own.
    static bool replace(state& s) {
        if (s.at != gone || s.answered != 0)
            return false;
        s.held = {tasks, tasks};
        s.number = s.word = {};
        s.condemned = s.frames = 0;
        s.frame_number = s.frame_task = s.frame_slot = {};
        s.at = reads;
        s.number_read = s.task_read = s.slot_read = 0;
        return true;
    }

    // ---- The worker's main thread

    bool work(state& s) const {
        switch (static_cast<worker_at>(s.at)) {
        case reads:
            if (s.frames == 0)
                return false;
            s.number_read = s.frame_number[0];
            s.task_read = s.frame_task[0];
            s.slot_read = s.frame_slot[0];
            for (unsigned i = 1; i < ring_size; ++i) {
                s.frame_number[i - 1] = s.frame_number[i];
                s.frame_task[i - 1] = s.frame_task[i];
                s.frame_slot[i - 1] = s.frame_slot[i];
            }
            s.frame_number[ring_size - 1] = s.frame_task[ring_size - 1] = 0;
            s.frame_slot[ring_size - 1] = 0;
            --s.frames;
            s.at = claims;
            return true;
        case claims:
            if (is(mutant::worker_starts_unseen)) {
                force(s, s.slot_read, slot_state::claimed);
                s.at = runs;
            } else if (is(mutant::worker_claims_in_two_steps)) {
                s.at = s.number[s.slot_read] == s.number_read &&
                               is_in(s, s.slot_read, slot_state::offered)
                           ? claims_now
                           : reads;
            } else {
                const bool mine =
                    move(s, s.slot_read, s.number_read, slot_state::offered, slot_state::claimed);
                s.at = mine ? runs : reads;
            }
            return true;
        case claims_now:
            force(s, s.slot_read, slot_state::claimed);
            s.at = runs;
            return true;
        case runs:
            ++s.ran[s.task_read];
            if (s.condemned != 0 && s.condemned != s.slot_read + 1)
                s.went_on = 1;
            s.at = ends;
            return true;
        case ends:
            if (is(mutant::worker_is_done_unseen)) {
                force(s, s.slot_read, slot_state::done);
                s.at = answers;
            } else if (move(s, s.slot_read, s.number_read, slot_state::claimed, slot_state::done)) {
                s.at = answers;
            } else {
                s.at = is(mutant::condemned_worker_goes_on) ? reads : halts;
            }
            return true;
        case answers:
            if (s.answered != 0)
                return false;
            s.answered = static_cast<std::uint8_t>(s.slot_read + 1);
            s.at = reads;
            return true;
        case halts: // the signal is on its way
        case gone: return false;
        }
        return false;
    }
};

std::string fault_of(mutant m) { return model::explore(slot_model{m}).fault; }

} // namespace

BOOST_AUTO_TEST_CASE(each_task_runs_or_is_taken_back_once) {
    const model::verdict v = model::explore(slot_model{});
    BOOST_TEST_MESSAGE(v.states << " states");
    BOOST_TEST(v.fault == "", v.fault << v.schedule);
    BOOST_TEST(v.states > 1000u);
}

BOOST_AUTO_TEST_CASE(each_mutant_is_found) {
    for (const mutant m : {mutant::pool_takes_back_unseen, mutant::worker_starts_unseen,
                           mutant::worker_claims_in_two_steps, mutant::any_number_starts,
                           mutant::worker_is_done_unseen, mutant::condemns_what_is_done,
                           mutant::condemned_worker_goes_on})
        BOOST_TEST(fault_of(m) != "", "mutant " << static_cast<int>(m) << " was not found");
}
