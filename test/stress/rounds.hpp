// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/spin.hpp>
#include <ferry/future.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

namespace stress {

/// A number of threads meet here, again and again; they spin, so that all go on at the same
/// instant.
class meeting {
public:
    explicit meeting(unsigned count) : count_(count) {}
    void join() noexcept {
        const unsigned now = generation_.load();
        if (arrived_.fetch_add(1) + 1 == count_) {
            arrived_.store(0);
            generation_.store(now + 1);
        } else {
            for (ferry::detail::spin_wait pause; generation_.load() == now;)
                pause();
        }
    }

private:
    const unsigned count_;
    std::atomic<unsigned> arrived_{0};
    std::atomic<unsigned> generation_{0};
};

/// Waits until other threads have got so far; false when they do not.
template <class Condition>
bool await(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (ferry::detail::spin_wait pause; !condition(); pause()) {
        if (std::chrono::steady_clock::now() > limit)
            return false;
    }
    return true;
}
inline bool await(const std::atomic<bool>& event) {
    return await([&] { return event.load(); });
}

/// Takes its time, a nanosecond or so for each step.
inline void linger(unsigned steps) noexcept {
    for (volatile unsigned i = steps; i != 0;)
        i = i - 1;
}

/// How long a thread of a round lingers before its operation. In 251 rounds each two threads go
/// through all differences of one scale; then comes the next scale.
constexpr unsigned offset(unsigned round, unsigned who) noexcept {
    const unsigned window = 251; // prime
    const unsigned lap = round / window;
    return (round * (who + 1) + lap * who * who) % window << 2 * (lap % 5);
}

/// Whether to play another round. A test that is to be thorough plays ten thousand, where the
/// machine is fast enough, and as many again where they are cheap.
inline bool another(unsigned played, std::chrono::steady_clock::duration taken) noexcept {
    using namespace std::chrono_literals;
#if defined(FERRY_STRESS_THOROUGHLY)
    return played < 10'000 ? taken < 5s : played < 20'000 && taken < 1500ms;
#else
    return played < 10'000 && taken < 400ms;
#endif
}

/// Plays rounds: `make()` gives what a round is about; then every `op(round&)` is called at the
/// same instant, the first in this thread and each other in one of its own; then `judge(round&)`
/// checks the outcome and names it.
template <class Make, class Judge, class First, class... Other>
void race(Make make, Judge judge, First first, Other... other) {
    decltype(make())* current = nullptr;
    unsigned number = 0;
    meeting gate(1 + sizeof...(other));
    const auto play = [&](auto& op, unsigned who) noexcept {
        gate.join();
        if (current == nullptr)
            return false;
        linger(offset(number, who));
        op(*current);
        gate.join();
        return true;
    };
    std::vector<std::jthread> threads;
    unsigned who = 0;
    (threads.emplace_back([&play, &other, me = ++who] {
        while (play(other, me)) {
        }
    }),
     ...);
    struct at_end { // also where a judge has thrown
        decltype(current)& round;
        meeting& gate;
        ~at_end() {
            round = nullptr;
            gate.join();
        }
    } const end{current, gate};

    std::map<std::string_view, unsigned> outcomes;
    const auto begin = std::chrono::steady_clock::now();
    for (; another(number, std::chrono::steady_clock::now() - begin); ++number) {
        auto round = make();
        current = &round;
        play(first, 0);
        ++outcomes[judge(round)];
    }
    std::string text;
    for (const auto& [name, times] : outcomes)
        text += ", " + std::string(name) + ' ' + std::to_string(times);
    BOOST_TEST_MESSAGE(boost::unit_test::framework::current_test_case().p_name
                       << ": " << number << " rounds" << text);
    BOOST_TEST(number > 0u);
}

/// How a future ended; "pending" where it did not.
template <class T>
std::string_view ending_of(const ferry::future<T>& f) {
    if (!f.done())
        return "pending";
    if (f.cancelled())
        return "cancelled";
    return f.exception() == nullptr ? "value" : "error";
}

/// Whether the future has ended with that exception.
template <class E, class T>
bool failed_with(const ferry::future<T>& f) {
    try {
        f.result(std::chrono::seconds(0));
        return false;
    } catch (const E&) {
        return true;
    }
}

} // namespace stress
