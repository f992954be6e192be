// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/worker_stderr.hpp"

#define BOOST_TEST_MODULE worker_stderr
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

using ferry::detail::descriptor;
using ferry::detail::worker_stderr;
using state = worker_stderr::state;

namespace {

struct pipe_pair {
    pipe_pair() {
        int ends[2];
        BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        from = descriptor(ends[0]);
        to = descriptor(ends[1]);
    }
    void write(std::string_view text) {
        BOOST_REQUIRE(::write(to.get(), text.data(), text.size()) ==
                      static_cast<ssize_t>(text.size()));
    }
    std::string read_all() {
        std::string all;
        std::array<char, 4096> some;
        for (;;) {
            const ssize_t n = ::read(from.get(), some.data(), some.size());
            if (n <= 0)
                return all;
            all.append(some.data(), static_cast<std::size_t>(n));
        }
    }
    descriptor from, to;
};

/// While it lives, the standard error of this process is a pipe. Nothing is to be asserted
/// meanwhile, since the test would write there.
class own_stderr {
public:
    own_stderr() : saved_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)) {
        ::dup2(pipe_.to.get(), STDERR_FILENO);
    }
    ~own_stderr() { ::dup2(saved_.get(), STDERR_FILENO); }
    own_stderr(const own_stderr&) = delete;
    own_stderr& operator=(const own_stderr&) = delete;

    /// Writes until nothing more fits.
    std::size_t fill() {
        const std::string page(4096, '-');
        std::size_t size = 0;
        while (::write(pipe_.to.get(), page.data(), page.size()) > 0)
            size += page.size();
        return size;
    }
    std::string read_all() { return pipe_.read_all(); }

private:
    pipe_pair pipe_;
    const descriptor saved_;
};

struct stream_of_worker {
    pipe_pair worker;
    worker_stderr stream{std::move(worker.from)};
};

} // namespace

BOOST_AUTO_TEST_CASE(what_the_worker_writes_is_passed_on_and_kept) {
    stream_of_worker w;
    w.worker.write("first, ");
    state now{};
    std::string passed_on;
    {
        own_stderr here;
        now = w.stream.read(false);
        passed_on = here.read_all();
        w.worker.write("second");
        static_cast<void>(w.stream.read(false));
        passed_on += here.read_all();
    }
    BOOST_CHECK(now == state::open);
    BOOST_TEST(passed_on == "first, second");
    BOOST_TEST(w.stream.tail() == "first, second");
}

BOOST_AUTO_TEST_CASE(only_its_end_is_kept) {
    stream_of_worker w;
    const std::string much(worker_stderr::most_kept, 'a');
    w.worker.write(much);
    w.worker.write("the end");
    std::string passed_on;
    {
        own_stderr here;
        static_cast<void>(w.stream.read(false));
        passed_on = here.read_all();
    }
    BOOST_TEST(passed_on == much + "the end");
    BOOST_TEST(w.stream.tail() == much.substr(7) + "the end");
}

BOOST_AUTO_TEST_CASE(nothing_is_read_while_this_process_cannot_write_it) {
    stream_of_worker w;
    w.worker.write("waits");
    state full{}, room{};
    std::string before, passed_on;
    {
        own_stderr here;
        const std::size_t filled = here.fill();
        full = w.stream.read(false);
        before = w.stream.tail();
        passed_on = here.read_all().substr(filled);
        room = w.stream.read(false);
        passed_on += here.read_all();
    }
    BOOST_CHECK(full == state::blocked);
    BOOST_TEST(before.empty());
    BOOST_CHECK(room == state::open);
    BOOST_TEST(passed_on == "waits");
    BOOST_TEST(w.stream.tail() == "waits");
}

BOOST_AUTO_TEST_CASE(the_last_reading_keeps_what_cannot_be_passed_on) {
    stream_of_worker w;
    w.worker.write("last words");
    state last{};
    std::string passed_on;
    {
        own_stderr here;
        const std::size_t filled = here.fill();
        last = w.stream.read(true);
        passed_on = here.read_all().substr(filled);
    }
    BOOST_CHECK(last == state::open); // somebody may still write
    BOOST_TEST(passed_on.empty());
    BOOST_TEST(w.stream.tail() == "last words");
}

BOOST_AUTO_TEST_CASE(it_ends_when_nobody_can_write_to_it) {
    stream_of_worker w;
    w.worker.write("bye");
    w.worker.to.reset();
    state now{};
    {
        own_stderr here;
        now = w.stream.read(false);
    }
    BOOST_CHECK(now == state::ended);
    BOOST_TEST(w.stream.tail() == "bye");
}

BOOST_AUTO_TEST_CASE(one_reading_takes_no_more_than_a_share_of_much) {
    stream_of_worker w;
    ::fcntl(w.worker.to.get(), F_SETPIPE_SZ, 1 << 20);
    std::size_t written = 0;
    const std::string page(4096, 'x');
    while (::write(w.worker.to.get(), page.data(), page.size()) > 0)
        written += page.size();
    std::size_t once = 0, all = 0;
    {
        own_stderr here;
        ::fcntl(STDERR_FILENO, F_SETPIPE_SZ, 1 << 20);
        static_cast<void>(w.stream.read(false));
        all = once = here.read_all().size();
        for (std::size_t more = once; more != 0;) {
            static_cast<void>(w.stream.read(false));
            more = here.read_all().size();
            all += more;
        }
    }
    BOOST_TEST(once <= 64 * page.size());
    BOOST_TEST(all == written);
}

BOOST_AUTO_TEST_CASE(a_note_follows_what_the_worker_wrote) {
    stream_of_worker w;
    w.worker.write("text");
    {
        own_stderr here;
        static_cast<void>(w.stream.read(true));
    }
    w.stream.append_note("[note]");
    BOOST_TEST(w.stream.tail() == "text[note]");
}

BOOST_AUTO_TEST_CASE(the_pipe_can_be_given_away) {
    stream_of_worker w;
    const int file = w.stream.file();
    const descriptor pipe = w.stream.take_file();
    BOOST_TEST(pipe.get() == file);
    BOOST_TEST(w.stream.file() == -1);
}
