// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE fetcher_body_file
#include "body.hpp"
#include "body_file.hpp"
#include "sha256.hpp"

#include "helpers/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace fetcher;

namespace {

std::string hash_of(std::string_view text) {
    sha256 hash;
    hash.write(text);
    return hash.finish();
}

struct directory {
    std::string path = (std::filesystem::temp_directory_path() / "bodies.XXXXXX").string();
    directory() { BOOST_REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~directory() { std::filesystem::remove_all(path); }

    std::string content(const std::string& name) const {
        std::ifstream file(path + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool empty() const { return std::filesystem::is_empty(path); }
};

/// A pool that writes nothing before the gate is open.
struct held_writers {
    gate opened;
    ferry::thread_pool pool{1};
    ferry::future<void> holder = pool.submit([this] { opened.pass(); });
};

constexpr std::size_t chunk = 512 << 10;

} // namespace

BOOST_AUTO_TEST_CASE(sha256_is_that_of_the_standard) {
    BOOST_TEST(hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(hash_of("abc") ==
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    BOOST_TEST(hash_of(std::string(1'000'000, 'a')) ==
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

BOOST_AUTO_TEST_CASE(sha256_is_the_same_in_parts) {
    const std::string text(300, 'x');
    for (std::size_t size = 0; size <= text.size(); ++size) {
        sha256 parts;
        parts.write(std::string_view(text).substr(0, size));
        parts.write(std::string_view(text).substr(size));
        BOOST_REQUIRE(parts.finish() == hash_of(text));
    }
}

BOOST_AUTO_TEST_CASE(a_body_waits_for_its_writer_when_too_much_of_it_waits) {
    const directory place;
    byte_budget budget(64 << 20);
    held_writers writers;
    gate room;
    const auto file = std::make_shared<body_file>(output_file(place.path, "body"), sha256(), budget,
                                                  &writers.pool, [&] { room.open(); });
    const std::string data(chunk, 'x');
    BOOST_TEST(file->write(data));
    BOOST_TEST(file->write(data));
    BOOST_TEST(!file->write(data));
    writers.opened.open();
    room.pass();
    file->finish();
    BOOST_TEST(file->write(data));
    file->finish();
    std::get<output_file>(file->content()).commit();
    const std::string whole(3 * chunk, 'x');
    BOOST_TEST((place.content("body") == whole));
    BOOST_TEST(file->hash()->finish() == hash_of(whole));
    BOOST_TEST(budget.take(64 << 20)); // all of it was given back
}

BOOST_AUTO_TEST_CASE(an_abandoned_body_leaves_no_file) {
    const directory place;
    byte_budget budget(64 << 20);
    {
        held_writers writers;
        const body_settings settings;
        body_sink body(settings, budget, &writers.pool);
        body.begin(body_sink::destination::file, place.path, "body");
        BOOST_TEST((body.write(std::string(chunk, 'x')) == body_sink::verdict::good));
        BOOST_TEST(!place.empty()); // a temporary one
        body.begin(body_sink::destination::nowhere);
        writers.opened.open();
    }
    BOOST_TEST(place.empty());
    BOOST_TEST(budget.take(64 << 20));
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_is_told_by_the_next_one) {
    byte_budget budget(64 << 20);
    ferry::thread_pool writers(1);
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    const unique_fd nobody_writes_here(ends[1]);
    const auto file =
        std::make_shared<body_file>(unique_fd(ends[0]), std::nullopt, budget, &writers, nullptr);
    BOOST_TEST(file->write("x"));
    BOOST_CHECK_THROW(file->finish(), std::system_error);
    BOOST_CHECK_THROW(file->write("y"), std::system_error);
}

BOOST_AUTO_TEST_CASE(without_writers_a_body_is_written_at_once) {
    const directory place;
    byte_budget budget(10); // nothing is held
    const body_settings settings;
    body_sink body(settings, budget);
    body.expect(hash_of(std::string(300, 'x')));
    body.begin(body_sink::destination::file, place.path, "body");
    for (int n = 0; n < 3; ++n)
        BOOST_TEST((body.write(std::string(100, 'x')) == body_sink::verdict::good));
    body.store();
    BOOST_TEST(body.as_expected());
    BOOST_TEST(place.content("body").size() == 300u);
}
