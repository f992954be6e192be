// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "options.hpp"

#include "transfer.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string_view>

namespace fetcher {
namespace {

constexpr std::size_t max_targets = 100'000;

/// Throws unless `text` is an absolute http or https URL with a host, and curl can read it too.
void check_url(const std::string& text, const std::string& what) {
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed)
        throw usage_error(what + " '" + text + "' is not a valid URL");
    const boost::urls::url_view url = *parsed;
    if (url.scheme_id() != boost::urls::scheme::http && url.scheme_id() != boost::urls::scheme::https)
        throw usage_error(what + " '" + text + "' is neither http nor https");
    if (url.host().empty())
        throw usage_error(what + " '" + text + "' has no host");
    if (const auto error = url_error(text); !error.empty())
        throw usage_error(what + " '" + text + "' is unusable: " + error);
    if (!url.port().empty() && url.port_number() == 0)
        throw usage_error(what + " '" + text + "' has port 0");
}

std::uint64_t parse_id(std::string_view text, const std::string& part) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw usage_error("id range '" + part + "' is neither N nor N-M");
    return value;
}

/// The ids of `N` or `N-M`, appended to `targets`.
void append_range(const std::string& part, const std::string& base_url,
                  std::vector<target>& targets) {
    const auto dash = part.find('-');
    const std::string_view view = part;
    const auto first = parse_id(view.substr(0, dash), part);
    const auto last = dash == std::string::npos ? first : parse_id(view.substr(dash + 1), part);
    if (last < first)
        throw usage_error("id range '" + part + "' runs backwards");
    if (last - first >= max_targets)
        throw usage_error("id range '" + part + "' is larger than " + std::to_string(max_targets));
    const bool slash = !base_url.empty() && base_url.back() == '/';
    for (std::uint64_t n = 0; n <= last - first; ++n) {
        const auto id = std::to_string(first + n);
        targets.push_back({id, base_url + (slash ? "" : "/") + id});
    }
}

/// `seconds` as milliseconds; throws unless it is above 0 and at most a day.
std::chrono::milliseconds duration_of(double seconds, const std::string& option) {
    if (!std::isfinite(seconds) || seconds < 0.001 || seconds > 86'400)
        throw usage_error(option + " takes seconds from 0.001 to 86400");
    return std::chrono::milliseconds(std::llround(seconds * 1000));
}

/// `text` without what would break the line it is printed in.
std::string one_line(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

} // namespace

usage_error::usage_error(const std::string& text) : std::runtime_error(one_line(text)) {}

std::vector<target> parse_targets(const std::string& argument, const std::string& base_url) {
    std::vector<target> targets;
    if (argument.find("://") != std::string::npos) {
        check_url(argument, "URL");
        targets.push_back({argument, argument});
        return targets;
    }
    std::size_t begin = 0;
    while (begin <= argument.size()) {
        const auto comma = std::min(argument.find(',', begin), argument.size());
        append_range(argument.substr(begin, comma - begin), base_url, targets);
        begin = comma + 1;
    }
    if (base_url.empty())
        throw usage_error("ids '" + argument + "' need --base-url");
    return targets;
}

std::optional<options> parse_options(int argc, char** argv) {
    options result;
    std::string base_url;
    std::vector<std::string> arguments;
    double timeout = 10;
    double total_timeout = 0;
    double backoff = 0.2;

    CLI::App app{"Fetches JSON from many URLs at a time.", "fetcher"};
    app.add_option("what", arguments, "ids (N, N-M, comma lists; need --base-url) or full URLs")
        ->type_name("ID|URL ...");
    auto* base = app.add_option("--base-url", base_url, "an id N is fetched from URL/N")
                     ->type_name("URL");
    app.add_option("-j,--jobs", result.jobs, "fetch at most this many at a time")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    auto* per_attempt =
        app.add_option("--timeout", timeout, "seconds for one attempt")->capture_default_str();
    auto* whole = app.add_option("--total-timeout", total_timeout, "seconds for everything");
    auto* retries = app.add_option("--retries", result.retries, "further attempts after a failure")
                        ->check(CLI::Range(0, 20))
                        ->capture_default_str();
    auto* pause = app.add_option("--backoff", backoff, "seconds before the first retry; doubles")
                      ->capture_default_str();
    app.add_option("--user-agent", result.user_agent)->capture_default_str();
    auto* demo = app.add_flag("--demo", result.demo, "fetch from a server of its own on loopback");
    for (auto* option : {base, per_attempt, whole, retries, pause})
        demo->excludes(option);

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        return std::nullopt;
    } catch (const CLI::ParseError& e) {
        throw usage_error(e.what());
    }

    result.timeout = duration_of(timeout, "--timeout");
    result.backoff = duration_of(backoff, "--backoff");
    if (whole->count() > 0)
        result.total_timeout = duration_of(total_timeout, "--total-timeout");
    if (std::any_of(result.user_agent.begin(), result.user_agent.end(),
                    [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        throw usage_error("--user-agent contains a control character");
    if (result.demo && !arguments.empty())
        throw usage_error("--demo takes no ids or URLs, but got '" + arguments.front() + "'");
    if (base->count() > 0) {
        check_url(base_url, "--base-url");
        if (base_url.find_first_of("?#") != std::string::npos)
            throw usage_error("--base-url '" + base_url + "' has a query or fragment");
    }
    for (const auto& argument : arguments) {
        auto more = parse_targets(argument, base_url);
        if (result.targets.size() + more.size() > max_targets)
            throw usage_error("'" + argument + "' makes it more than " +
                              std::to_string(max_targets) + " targets");
        result.targets.insert(result.targets.end(), more.begin(), more.end());
    }
    if (!result.demo && result.targets.empty())
        throw usage_error("nothing to fetch: give ids or URLs, or --demo (see --help)");
    return result;
}

} // namespace fetcher
