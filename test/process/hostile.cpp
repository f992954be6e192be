// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Workers that write what no worker writes, into all that they can write to: it costs their task
// and themselves, and nobody else anything.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE hostile
#define BOOST_TEST_NO_MAIN
#include "helpers/hostile_worker.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include "process/message.hpp"
#include "process/segment.hpp"
#include "process/wire.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace std::chrono_literals;
namespace detail = ferry::detail;
namespace wire = ferry::detail::wire;

namespace {

std::string echo(std::string s) { return s; }

constexpr std::uint64_t values[] = {0,  1,        2,           7,          16,
                                    63, 0x100000, 0x7fffffff8, 1ull << 63, ~std::uint64_t(0)};

/// Overwrites one word of what it shares with its pool: by its number, with one of the values.
/// Ends itself then, or goes on.
int write_word(std::size_t word, std::size_t value, bool leave) {
    auto* const words = reinterpret_cast<volatile std::uint64_t*>(&my_channel());
    words[word] = values[value];
    if (leave)
        ::_exit(3);
    return 1;
}
/// The same for everything.
int write_everything(unsigned seed) {
    std::mt19937_64 random(seed);
    auto* const words = reinterpret_cast<volatile std::uint64_t*>(&my_channel());
    for (std::size_t i = 0; i < sizeof(wire::channel) / 8; ++i)
        words[i] = seed % 3 == 0 ? values[random() % std::size(values)] : random();
    return 1;
}

/// Announces a mapping that is none, and answers with it instead of with a value.
enum class bad {
    unsealed,
    truncated,
    small,
    pipe,
    absurd,
    none,
    many,
    other_kind,
    read_only,
    sealed
};
int send_segment(bad how) {
    wire::channel& c = my_channel();
    const int socket = my_socket();
    int file = ::memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const std::size_t capacity = 1 << 20;
    static_cast<void>(::ftruncate(file, how == bad::small ? 100 : capacity + 64));
    if (how == bad::small || how == bad::absurd || how == bad::read_only || how == bad::sealed)
        ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK);
    if (how == bad::sealed)
        ::fcntl(file, F_ADD_SEALS, F_SEAL_WRITE);
    if (how == bad::read_only)
        file = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY);
    if (how == bad::pipe) {
        int pair[2];
        static_cast<void>(::pipe(pair));
        file = pair[0];
    }
    wire::message m{wire::message::what::segment, 77, how == bad::absurd ? 1ull << 62 : capacity};
    if (how == bad::other_kind)
        m.kind = wire::message::what::stop;
    const int files[] = {file, file};
    if (how == bad::many) {
        for (int i = 0; i < 100; ++i) {
            m.id = 100 + static_cast<std::uint32_t>(i);
            detail::send_message(socket, m, std::span(files, 1));
        }
    } else if (how != bad::none) {
        detail::send_message(socket, m, std::span(files, how == bad::pipe ? 2 : 1));
    }
    if (how == bad::truncated)
        static_cast<void>(::ftruncate(file, 0));
    for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
        for (std::uint64_t task = 0; task < 10'000; ++task) {
            if (c.slots[slot].move(task, wire::slot_state::claimed, wire::slot_state::done)) {
                wire::answer_body body{1, 1};
                const wire::segment_ref ref{77, 100'000};
                send_frame({sizeof body + sizeof ref, wire::frame_kind::value, slot, task},
                           bytes_of(body) + bytes_of(ref));
                ::_exit(0);
            }
        }
    }
    return 0;
}

/// Another worker does honest work meanwhile, and then the pool is as good as new and can end. A
/// task that came to run in the hostile process may die with it, but no other one.
template <class Attack>
void survives(Attack attack) {
    ferry::process_pool pool({.max_workers = 2, .kill_grace = 200ms});
    std::vector<ferry::future<int>> honest;
    std::vector<ferry::future<std::string>> large;
    auto f = attack(pool);
    for (int i = 0; i < 10; ++i) {
        honest.push_back(pool.submit(triple, i));
        large.push_back(pool.submit(echo, std::string(100'000, static_cast<char>('a' + i))));
    }
    std::set<int> died;
    const auto expect = [&died](const auto& future, const auto& value) {
        try {
            BOOST_TEST((future.result(patience) == value));
        } catch (const ferry::worker_died& e) {
            died.insert(e.pid());
        }
    };
    for (int i = 0; i < 10; ++i) {
        expect(honest[static_cast<std::size_t>(i)], 3 * i);
        expect(large[static_cast<std::size_t>(i)],
               std::string(100'000, static_cast<char>('a' + i)));
    }
    BOOST_TEST(died.size() <= 1u);
    BOOST_TEST(f.wait_for(patience)); // whatever its outcome is
    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
}

} // namespace

// Of the part that is no payload.
BOOST_AUTO_TEST_CASE(each_word_of_the_channel_may_be_overwritten) {
    const std::size_t words = offsetof(wire::channel, task_bytes) / 8;
    std::mt19937 random(1);
    for (std::size_t word = 0; word < words; ++word) {
        // All words of the positions and a sample of the slots, which are all alike.
        if (word % 8 != 0 && word != 1 && word < offsetof(wire::channel, slots) / 8)
            continue; // between positions
        if (word > offsetof(wire::channel, slots) / 8 + 2 &&
            word + 3 < offsetof(wire::channel, started_ns) / 8)
            continue;
        const std::size_t value = random() % std::size(values);
        BOOST_TEST_CONTEXT("word " << word << ", value " << value)
        survives([&](ferry::process_pool& pool) {
            return pool.submit(write_word, word, value, word % 3 == 0);
        });
    }
}

BOOST_AUTO_TEST_CASE(the_whole_channel_may_be_overwritten) {
    for (unsigned seed = 0; seed < 6; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        survives([&](ferry::process_pool& pool) { return pool.submit(write_everything, seed); });
    }
}

// Also where tasks wait behind the one that does it, in the same process: their values may be wrong
// then, but none of them is without an outcome.
BOOST_AUTO_TEST_CASE(what_waits_behind_a_task_that_overwrites_the_channel_ends) {
    for (unsigned seed = 0; seed < 6; ++seed) {
        ferry::process_pool pool({.max_workers = 1, .kill_grace = 200ms});
        for (int i = 0; i < 100; ++i) // so that many are handed out at a time
            pool.submit(triple, i).result(patience);
        std::vector<ferry::future<int>> all{pool.submit(write_everything, seed)};
        for (int i = 0; i < 40; ++i)
            all.push_back(pool.submit(triple, i));
        for (auto& f : all)
            BOOST_TEST(f.wait_for(patience));
        BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
    }
}

BOOST_AUTO_TEST_CASE(frames_that_no_worker_sends_cost_only_who_sends_them) {
    const wire::answer_body wild{std::numeric_limits<std::int64_t>::min(), 255};
    const std::string with_ref = bytes_of(wild) + bytes_of(wire::segment_ref{5, ~0ull});
    const std::pair<wire::frame_header, std::string> frames[] = {
        {{0, wire::frame_kind::value, 0, 1}, ""},
        {{16, wire::frame_kind::value, 63, 999}, bytes_of(wild)},
        {{16, wire::frame_kind::error, 64, 1}, bytes_of(wild)},
        {{16, wire::frame_kind::ready, 0, 0}, std::string(16, 'x')},
        {{16, wire::frame_kind::not_ready, 0, 0}, std::string(16, '\xff')},
        {{16, wire::frame_kind::run, 0, 0}, std::string(16, 'x')},
        {{0x7fffffff, wire::frame_kind::value, 0, 1}, ""},
        {{16, static_cast<wire::frame_kind>(0xffff), 0, 1}, std::string(16, 'x')},
        {{static_cast<std::uint32_t>(with_ref.size()), wire::frame_kind::value, 0, 1}, with_ref},
        {{static_cast<std::uint32_t>(with_ref.size()), wire::frame_kind::error, 0, 2}, with_ref},
    };
    for (const auto& [header, body] : frames) {
        BOOST_TEST_CONTEXT("kind " << static_cast<int>(header.kind) << ", slot " << header.slot)
        survives([&, h = header, b = body](ferry::process_pool& pool) {
            return pool.submit(
                [](std::string raw, std::string text) {
                    wire::frame_header f;
                    std::memcpy(&f, raw.data(), sizeof f);
                    return send_frame(f, text);
                },
                bytes_of(h), b);
        });
    }
}

BOOST_AUTO_TEST_CASE(a_mapping_that_is_none_cannot_harm_its_reader) {
    for (const bad how : {bad::unsealed, bad::truncated, bad::small, bad::pipe, bad::absurd,
                          bad::none, bad::many, bad::other_kind, bad::read_only, bad::sealed}) {
        BOOST_TEST_CONTEXT("how " << static_cast<int>(how))
        survives([&](ferry::process_pool& pool) { return pool.submit(send_segment, how); });
    }
}

BOOST_AUTO_TEST_CASE(a_task_may_close_write_to_or_empty_every_descriptor) {
    for (int how = 0; how < 4; ++how) {
        BOOST_TEST_CONTEXT("how " << how)
        survives([&](ferry::process_pool& pool) {
            return pool.submit(
                [](int h) {
                    for (int fd = 3; fd < 64; ++fd) {
                        const std::uint64_t most = ~std::uint64_t(0) - 1;
                        char byte[64] = {};
                        if (h == 0)
                            ::close(fd);
                        else if (h == 1)
                            static_cast<void>(::send(fd, byte, sizeof byte, MSG_DONTWAIT) < 0 &&
                                              ::write(fd, &most, sizeof most) < 0);
                        else if (h == 2)
                            static_cast<void>(::ftruncate(fd, 0) < 0);
                        else
                            ::shutdown(fd, SHUT_RDWR);
                    }
                    return h;
                },
                how);
        });
    }
}

BOOST_AUTO_TEST_CASE(the_descriptors_of_a_task_that_closed_ours_get_nothing_of_ours) {
    const marker file;
    {
        ferry::process_pool pool(1);
        auto f = pool.submit(
            [](const std::string& path) {
                for (int fd = 3; fd < 256; ++fd)
                    ::close(fd);
                int first = -1;
                for (int i = 0; i < 8; ++i) {
                    const int fd = ::open(path.c_str(), O_CREAT | O_APPEND | O_RDWR, 0600);
                    first = first < 0 ? fd : first;
                }
                return static_cast<int>(::write(first, "user data\n", 10));
            },
            file.path());
        // Its worker notices when it has to wake the pool: with its answer, or, where the pool was
        // awake then, with the next one.
        int deaths = 0;
        try {
            f.result(patience);
        } catch (const ferry::worker_died&) {
            ++deaths;
        }
        for (int i = 0; i < 1000 && deaths == 0; ++i) {
            try {
                pool.submit(triple, 1).result(patience);
            } catch (const ferry::worker_died&) {
                ++deaths;
            }
        }
        BOOST_TEST(deaths == 1);
        BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
    }
    // The worker may have ended before the task has written.
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    BOOST_TEST((text == "user data\n" || text.empty()), "found " << text.size() << " bytes");
}

// Arguments are in memory that only the pool can write to.
BOOST_AUTO_TEST_CASE(a_worker_cannot_write_to_the_arguments_of_a_task) {
    ferry::process_pool pool(1);
    const bool failed = pool.submit(
                                [](const std::string& s) {
                                    const mapping m = find_mapping("ferry-payload");
                                    return s.size() == 200'000 &&
                                           ::mprotect(m.from, m.size, PROT_READ | PROT_WRITE) != 0;
                                },
                                std::string(200'000, 'x'))
                            .result(patience);
    BOOST_TEST(failed);
}

namespace {

/// Gives the task that runs another state than it has, and does not end.
void pretend(wire::slot_state to) {
    auto& slots = my_channel().slots;
    auto* const words = reinterpret_cast<volatile std::uint64_t*>(slots.data());
    const own_task mine = my_task();
    words[mine.slot] = mine.number * 8 + static_cast<std::uint64_t>(to);
    for (;;)
        ::pause();
}

} // namespace

// A worker that denies to have started its task, or pretends that it has done it, has no endless
// time for it; nor has a task that makes one worker after the other deny it.
BOOST_AUTO_TEST_CASE(a_task_cannot_escape_its_timeout) {
    ferry::process_pool denying(1);
    auto denied =
        denying.submit({.label = "denied", .timeout = 1h}, pretend, wire::slot_state::offered);
    for (const auto state : {wire::slot_state::offered, wire::slot_state::done}) {
        ferry::process_pool pool(1);
        auto f = pool.submit({.label = "sly", .timeout = 100ms}, pretend, state);
        auto next = pool.submit(triple, 3);
        BOOST_CHECK_THROW(f.result(3min), ferry::worker_died);
        BOOST_TEST(next.result(3min) == 9);
    }
    BOOST_CHECK_THROW(denied.result(3min), ferry::worker_died);
}
