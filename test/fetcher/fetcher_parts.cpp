// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE fetcher_parts
#include "body.hpp"
#include "help.hpp"
#include "histogram.hpp"
#include "id_range.hpp"
#include "json_check.hpp"
#include "option_sources.hpp"
#include "output_path.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "retry_rules.hpp"
#include "target.hpp"
#include "text.hpp"
#include "url.hpp"

#include <CLI/Error.hpp>

#include <boost/test/unit_test.hpp>

using namespace fetcher;
using namespace std::chrono_literals;

namespace {

const body_settings settings;
byte_budget budget(1 << 20);

struct failed : job {
    failed(failure w, long s, std::size_t n) : job(target{}, settings, budget) {
        why = w;
        status = s;
        attempts.resize(n);
    }
};

retry_settings with(void (*change)(retry_settings&)) {
    retry_settings result;
    change(result);
    return result;
}

std::string json_error(std::initializer_list<std::string_view> pieces) {
    json_check check;
    for (const auto piece : pieces)
        check.write(piece);
    return check.finish();
}

std::string extract_of(std::string_view text) {
    extract whole, bytewise;
    whole.write(text);
    for (const char& c : text)
        bytewise.write({&c, 1});
    BOOST_TEST(whole.text() == bytewise.text());
    return whole.text();
}

std::string expanded(const std::string& text, const target& what) {
    return output_template(text).expand(what);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_a_terminal_would_act_upon_is_escaped) {
    BOOST_TEST(printable("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") ==
               "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    BOOST_TEST(printable("a\nb\tc\r\x1b[2J\x7f") == "a\\nb\\tc\\r\\x1b[2J\\x7f");
    BOOST_TEST(printable("\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf") ==
               "\\x9b\\u202e\\u2028\\ufeff");
    BOOST_TEST(printable("\xff\xc0\x80\xed\xa0\x80\xe2\x82") ==
               "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82");
    BOOST_TEST(printable_json("\"\xc2\x9b\xf3\xa0\x81\x81\xff\"") ==
               "\"\\u009b\\udb40\\udc41\\ufffd\"");
}

BOOST_AUTO_TEST_CASE(shortening_cuts_no_character) {
    BOOST_TEST(shortened("abc", 3) == "abc");
    BOOST_TEST(shortened("abcd", 3) == "abc...");
    BOOST_TEST(shortened("ab\xe2\x82\xac", 4) == "ab...");
}

BOOST_AUTO_TEST_CASE(secrets_of_urls_are_masked) {
    BOOST_TEST(masked("http://h/p?q=1#f") == "http://h/p?q=1#f");
    BOOST_TEST(masked("http://u:p@h/?a=1&Access_Token=x&b=2") ==
               "http://u:***@h/?a=1&Access_Token=***&b=2");
    BOOST_TEST(masked("http://u@h/") == "http://u@h/");
    BOOST_TEST(masked("http://h/a@b:c?sig=x;key=y#token=z") ==
               "http://h/a@b:c?sig=***;key=***#token=z");
    BOOST_TEST(masked("http://u:p@q@h?key=x") == "http://u:***@h?key=***");
}

BOOST_AUTO_TEST_CASE(sizes_and_seconds_are_read) {
    BOOST_TEST(parse_size("0").value() == 0u);
    BOOST_TEST(parse_size("64k").value() == 65536u);
    BOOST_TEST(parse_size("1GiB").value() == 1u << 30);
    for (const char* each : {"", "k", "-1", "1x", "1kk", "99999999999T", "1.5k"})
        BOOST_TEST(!parse_size(each));
    BOOST_TEST((parse_seconds("0.25").value() == 250ms));
    for (const char* each : {"", "0", "-1", "nan", "inf", "1s", "86401", "0.0001"})
        BOOST_TEST(!parse_seconds(each));
    BOOST_TEST(size_text(999) == "999 B");
    BOOST_TEST(size_text(1500) == "1.5 kB");
    BOOST_TEST(size_text(123'456'789) == "123 MB");
}

BOOST_AUTO_TEST_CASE(urls_are_read_as_libcurl_reads_them) {
    BOOST_TEST(parse_url("https://Host:8443/a?b#c").host == "https://Host:8443");
    BOOST_TEST(parse_url("example.com/x").host == "http://example.com:80");
    BOOST_TEST(parse_url("ftp.example.com/x").host == "http://ftp.example.com:80");
    BOOST_TEST(parse_url("http://h/a b").text == "http://h/a%20b");
    for (const char* each :
         {"", "http://", "ftp://h/", "http://h:0/", "http://h:99999/", "file:///x"})
        BOOST_TEST(!parse_url(each).error.empty());
    BOOST_TEST(!parse_url(std::string("http://h/\0x", 11)).error.empty());
    BOOST_TEST(last_segment("http://h/a/b.txt?c/d") == "b.txt");
    BOOST_TEST(last_segment("http://h/") == "");
}

BOOST_AUTO_TEST_CASE(a_reader_reads_what_one_would_read_without_the_ones_before) {
    for (const std::string server :
         {"http://Host", "https://Host", "http://host:80", "http://127.1:8080", "http://u:p@h",
          "HTTP://host", "http://[::1]:8080", "http://b\xc3\xbc.example", "host", "http://h:0"}) {
        url_reader urls;
        urls.read(server + "/first");
        for (const char* rest : {"/",         "",        "/a-b_c/~d.e?f=g&h=1/2?3",
                                 "/1",        "/a/../b", "/a/./b",
                                 "/.",        "/a.",     "//a",
                                 "/a b",      "/a%2fb",  "/a?b c",
                                 "/a?",       "/a#b",    "/a?b#",
                                 "/\xc3\xbc", "?q",      "#f",
                                 "x/y",       ":1/y",    ".org/y",
                                 "@other/y",  "/{}",     "/a+b",
                                 "/a;b",      "/a@b",    "/a:b",
                                 "/a\tb"}) {
            const auto here = urls.read(server + rest);
            const auto alone = parse_url(server + rest);
            BOOST_TEST(here.text == alone.text);
            BOOST_TEST(here.host == alone.host);
            BOOST_TEST(here.error == alone.error);
        }
    }
}

BOOST_AUTO_TEST_CASE(ranges_keep_their_zeros_and_words_are_words) {
    const auto ids = parse_ids("8-10,007-010,2024-01-02,x,-5,99999999999999999999");
    BOOST_REQUIRE(ids.size() == 6u);
    BOOST_TEST(ids[0].size() == 3u);
    BOOST_TEST(ids[0].at(2) == "10");
    BOOST_TEST(ids[1].at(0) == "007");
    BOOST_TEST(ids[1].at(3) == "010");
    BOOST_TEST(ids[2].at(0) == "2024-01-02");
    BOOST_TEST(ids[4].at(0) == "-5");
    BOOST_TEST(ids[5].size() == 1u);
    BOOST_TEST(parse_ids("0-999999999999")[0].size() == 1'000'000'000'000u);
    BOOST_CHECK_THROW(parse_ids("5-1"), std::invalid_argument);
    BOOST_CHECK_THROW(parse_ids("1,"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_line_becomes_a_target) {
    target_maker make("http://h/{}?x={id}");
    BOOST_TEST(make.of_id("a/b").url == "http://h/a%2Fb?x=a%2Fb");
    BOOST_TEST(make.of_line("http://other/").url == "http://other/");
    const target object = make.of_line(
        R"({"id": 1.10, "x": "\"body\": 1", "method": "PUT", "body": [1.10, "]\"}"] , "headers": {"A": "b"}})");
    BOOST_TEST(object.error == "");
    BOOST_TEST(object.id == "1.10");
    BOOST_TEST(object.method == "PUT");
    BOOST_TEST(object.body.value() == R"([1.10, "]\"}"])");
    BOOST_TEST(object.headers[1] == "Content-Type: application/json");
    for (const char* each : {R"({"url": 1})", "{", R"({"x": 1})", R"({"id": "a", "method": ""})",
                             R"({"id": "a", "headers": ["x"]})", R"({"id": "a", "headers": 1})"})
        BOOST_TEST(!make.of_line(each).error.empty());
    BOOST_TEST(!target_maker("").of_id("1").error.empty());
}

BOOST_AUTO_TEST_CASE(json_is_checked_while_it_arrives) {
    BOOST_TEST(json_error({}) == "");
    BOOST_TEST(json_error({" \n"}) == "");
    BOOST_TEST(json_error({"{\"a\"", ": [1, 2.", "5e3]}"}) == "");
    BOOST_TEST(json_error({"\xef", "\xbb", "\xbf{}"}) == "");
    BOOST_TEST(json_error({"{}\n{}", "\n", "12"}) == "");
    BOOST_TEST(json_error({"{}{}"}) == "");
    BOOST_TEST(json_error({"{\"a\": "}) != "");
    BOOST_TEST(json_error({"\xef\xbb"}) != "");
    BOOST_TEST(json_error({"{} x"}) != "");
    BOOST_TEST(json_error({"nul"}) != "");
    BOOST_TEST(json_error({"-"}) != "");
}

BOOST_AUTO_TEST_CASE(an_extract_is_the_servers_text_without_blanks) {
    BOOST_TEST(extract_of("  { \"a b\" : 1.10 ,\n\"c\\\" d\": 2 }") ==
               "{\"a b\":1.10,\"c\\\" d\":2}");
    BOOST_TEST(extract_of(" some \n\n text ") == "some text");
    BOOST_TEST(extract_of("[ \"\\\\\" , 1 ]") == "[\"\\\\\",1]");
    BOOST_TEST(extract_of(std::string(1000, 'x')) == std::string(60, 'x') + "...");
    BOOST_TEST(extract_of("a\x1b[2J") == "a\\x1b[2J");
}

BOOST_AUTO_TEST_CASE(bodies_beyond_the_budget_go_to_a_file) {
    byte_budget small(10);
    body_sink sink(settings, small);
    sink.begin(body_sink::destination::memory);
    BOOST_TEST((sink.write("12345") == body_sink::verdict::good));
    BOOST_TEST(!sink.spilled());
    BOOST_TEST(!small.take(6));
    BOOST_TEST((sink.write("678901") == body_sink::verdict::good));
    BOOST_TEST(sink.spilled());
    BOOST_TEST(small.take(10)); // all of it was given back
    char text[12] = "";
    BOOST_TEST(::pread(sink.take_file().get(), text, 11, 0) == 11);
    BOOST_TEST(std::string(text) == "12345678901");
    body_settings tight;
    tight.max_body = 3;
    body_sink limited(tight, small);
    limited.begin(body_sink::destination::nowhere);
    BOOST_TEST((limited.write("123") == body_sink::verdict::good));
    BOOST_TEST((limited.write("4") == body_sink::verdict::too_large));
}

BOOST_AUTO_TEST_CASE(names_of_files_stay_in_their_directory) {
    target what;
    what.number = 7;
    what.id = "a/b";
    what.host = "http://h:80";
    what.url = "http://h:80/x/y.z?q";
    BOOST_TEST(expanded("out/{id}/{n}-{host}-{name}", what) == "a_b/7-h:80-y.z");
    BOOST_TEST(output_template("out/{id}/x").root() == "out");
    BOOST_TEST(output_template("/a/b/{id}").root() == "/a/b");
    BOOST_TEST(output_template("{id}").root() == ".");
    BOOST_TEST(output_template("/{id}").root() == "/");
    BOOST_TEST(output_template("../up/{id}").root() == "../up");
    what.id = "..";
    BOOST_TEST(expanded("{id}/{}x", what) == "_../..x");
    what.id = "";
    BOOST_TEST(expanded("{id}", what) == "_");
    what.id = std::string("\n\0\\", 3) + std::string(500, 'x');
    BOOST_TEST(expanded("{}", what).substr(0, 4) == "___x");
    BOOST_TEST(expanded("{}", what).size() == 200u);
    for (const char* each : {"{what}", "{", "a/", "{id}/../x", ""})
        BOOST_CHECK_THROW(output_template{each}, std::invalid_argument);
    for (const char* each : {"/x", "../x", "a/../../x", ""})
        BOOST_CHECK_THROW(output_template("root", each), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(retry_after_is_a_number_or_a_date) {
    const std::time_t now = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT
    BOOST_TEST((parse_retry_after("120", now).value() == 120s));
    BOOST_TEST((parse_retry_after(" 0 ", now).value() == 0s));
    BOOST_TEST((parse_retry_after("99999999999999999999", now).value() > 24h));
    BOOST_TEST((parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now).value() == 60s));
    BOOST_TEST((parse_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", now).value() == 60s));
    BOOST_TEST((parse_retry_after("Sun Nov  6 08:50:37 1994", now).value() == 60s));
    BOOST_TEST((parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now).value() == 0s));
    for (const char* each : {"", " ", "-1", "1.5", "soon", "20 apples", "1s"})
        BOOST_TEST(!parse_retry_after(each, now));
}

BOOST_AUTO_TEST_CASE(what_may_be_better_later_is_tried_again) {
    retry_rules rules({});
    for (const long each : {408, 425, 429, 500, 502, 503, 504, 599})
        BOOST_TEST(rules.is_transient(failure::status, each));
    for (const long each : {301, 400, 404, 501, 505, 600})
        BOOST_TEST(!rules.is_transient(failure::status, each));
    for (const auto each :
         {failure::dns, failure::connect, failure::timeout, failure::stall, failure::closed})
        BOOST_TEST(rules.is_transient(each, 0));
    for (const auto each : {failure::url, failure::tls, failure::protocol, failure::json,
                            failure::too_large, failure::output, failure::redirects})
        BOOST_TEST(!rules.is_transient(each, 0));
    retry_rules chosen(with([](auto& r) { r.on = "404,tls"; }));
    BOOST_TEST(chosen.is_transient(failure::status, 404));
    BOOST_TEST(!chosen.is_transient(failure::status, 503));
    BOOST_TEST(chosen.is_transient(failure::tls, 0));
    BOOST_TEST(!chosen.is_transient(failure::timeout, 0));
    for (const char* each : {"often", "200", "404,,503", "none", "status"}) {
        retry_settings wrong;
        wrong.on = each;
        BOOST_CHECK_THROW(retry_rules{wrong}, std::invalid_argument);
    }
}

BOOST_AUTO_TEST_CASE(the_pause_is_a_random_part_of_a_limit_that_doubles) {
    retry_rules rules(with([](auto& r) { r.retries = 3, r.backoff = 100ms; }));
    const auto pause = [&](std::size_t attempts, double random) {
        return rules.next(failed(failure::status, 503, attempts), "GET", random);
    };
    BOOST_TEST((pause(1, 0).value() == 100ms));
    BOOST_TEST((pause(2, 0).value() == 200ms));
    BOOST_TEST((pause(3, 0).value() == 400ms));
    BOOST_TEST((pause(3, 1).value() == 0ms));
    BOOST_TEST((pause(2, 0.5).value() == 100ms));
    BOOST_TEST(!pause(4, 0));
    BOOST_TEST(rules.retries() == 5u);
}

BOOST_AUTO_TEST_CASE(retry_after_makes_the_pause_longer_up_to_a_limit) {
    retry_rules rules(with([](auto& r) { r.max_retry_after = 60s; }));
    failed what(failure::status, 429, 1);
    what.retry_after = 5s;
    BOOST_TEST((rules.next(what, "GET", 1).value() == 5s));
    what.retry_after = 3600s;
    BOOST_TEST((rules.next(what, "GET", 0).value() == 60s));
    BOOST_TEST((rules.host_closed_for(what).value() == 60s));
    BOOST_TEST(!rules.host_closed_for(failed(failure::status, 429, 1)));
}

BOOST_AUTO_TEST_CASE(only_what_can_be_repeated_is) {
    retry_rules rules(retry_settings{});
    BOOST_TEST(!rules.next(failed(failure::timeout, 0, 1), "POST", 0));
    BOOST_TEST(rules.next(failed(failure::connect, 0, 1), "POST", 0).has_value());
    BOOST_TEST(rules.next(failed(failure::timeout, 0, 1), "DELETE", 0).has_value());
    retry_rules all(with([](auto& r) { r.all_methods = true; }));
    BOOST_TEST(all.next(failed(failure::timeout, 0, 1), "POST", 0).has_value());
    retry_rules two(with([](auto& r) { r.budget = 2; }));
    for (const bool has : {true, true, false})
        BOOST_TEST(two.next(failed(failure::closed, 0, 1), "GET", 0).has_value() == has);
}

BOOST_AUTO_TEST_CASE(a_histogram_knows_its_quantiles_to_a_thirtieth) {
    histogram h;
    BOOST_TEST((h.quantile(0.5) == 0us));
    for (int n = 1; n <= 100'000; ++n)
        h.add(std::chrono::microseconds(n));
    BOOST_TEST(h.count() == 100'000u);
    BOOST_TEST((h.max() == 100'000us));
    BOOST_TEST((h.average() == 50'000us));
    for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99}) {
        const auto value = static_cast<double>(h.quantile(q).count());
        BOOST_TEST(value >= q * 100'000);
        BOOST_TEST(value <= q * 100'000 * 33 / 32 + 1);
    }
    BOOST_TEST((h.quantile(1) == 100'000us));
    histogram wide;
    wide.add(-5us);
    wide.add(std::chrono::hours(24 * 365));
    BOOST_TEST((wide.quantile(0.5) == 0us));
    BOOST_TEST((wide.quantile(1) == std::chrono::hours(24 * 365)));
}

BOOST_AUTO_TEST_CASE(progress_is_one_line_that_fits) {
    const request_settings request;
    report of(request);
    of.set_total(1000);
    for (const std::size_t width : {20, 60, 80, 300}) {
        const std::string text = progress::text(of, 7, of.begin() + 2s, true, width);
        BOOST_TEST(text.size() < width);
        BOOST_TEST((text.find('\n') == std::string::npos));
    }
    BOOST_TEST(progress::text(of, 7, of.begin() + 2s, false, 200) ==
               "0/1000  0/s, 0 failed, 7 under way, 0 B");
    of.add_skipped();
    BOOST_TEST(progress::text(of, 7, of.begin() + 1s, false, 200) ==
               "1/1000  1/s, 0 failed, 7 under way, 0 B, 16:39 left");
}

BOOST_AUTO_TEST_CASE(what_failed_is_counted_and_only_some_of_it_is_named) {
    const request_settings request;
    report of(request);
    for (int n = 0; n < 25; ++n) {
        failed one(failure::status, 404, 1);
        one.what.id = "t" + std::to_string(n) + "\x1b";
        one.error = "HTTP 404";
        of.add(one, of.begin() + 1s);
        if (n == 0) {
            BOOST_TEST(of.line(one) == "[1/?] t0\\x1b 404 0ms 1 attempt fetch_0 HTTP 404\n");
            BOOST_TEST((of.json(one).find("\"id\":\"t0\\u001b\"") != std::string::npos));
        }
    }
    const std::string text = of.summary(of.begin() + 1s);
    BOOST_TEST((text.find("failed: 25 (status 25)\n  t0\\x1b: HTTP 404\n") != std::string::npos));
    BOOST_TEST((text.find("  t19") != std::string::npos));
    BOOST_TEST((text.find("  t20") == std::string::npos));
    BOOST_TEST((text.find("  ... and 5 more\n") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(long_texts_of_the_help_have_lines) {
    BOOST_TEST(wrapped("short") == "short");
    BOOST_TEST(wrapped(std::string(60, 'a') + " bb ccc") == std::string(60, 'a') + " bb\nccc");
    BOOST_TEST(wrapped(std::string(100, 'a')) == std::string(100, 'a'));
}

BOOST_AUTO_TEST_CASE(a_configuration_is_options) {
    const auto got = parse_config("# comment\n\njobs = 5\n--user-agent=a b \ncompressed\r\n");
    BOOST_TEST(got == (std::vector<std::string>{"--jobs=5", "--user-agent=a b", "--compressed"}),
               boost::test_tools::per_element());
    BOOST_CHECK_THROW(parse_config("= x"), CLI::ParseError);
    BOOST_CHECK_THROW(parse_config("two words = x"), CLI::ParseError);
}
