// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "options.hpp"

#include "curl_options.hpp"
#include "help.hpp"
#include "json_check.hpp"
#include "option_sources.hpp"
#include "output_path.hpp"
#include "retry_rules.hpp"
#include "text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <type_traits>

namespace fetcher {
namespace {

/// Reads options into a value of the program's own.
class option_list {
public:
    option_list(CLI::App& app) : app_(app) {}

    void group(const char* name) { group_ = name; }

    CLI::Option* seconds(const char* name, std::chrono::milliseconds& into, const char* help) {
        return add_parsed(name, "SECONDS", help, [name, &into](const std::string& text) {
            const auto value = parse_seconds(text);
            if (!value)
                throw CLI::ValidationError(name, "takes seconds from 0.001 to 86400");
            into = *value;
        });
    }
    CLI::Option* seconds(const char* name, std::optional<std::chrono::milliseconds>& into,
                         const char* help) {
        return add_parsed(name, "SECONDS", help, [name, &into](const std::string& text) {
            into = parse_seconds(text);
            if (!into)
                throw CLI::ValidationError(name, "takes seconds from 0.001 to 86400");
        });
    }
    CLI::Option* size(const char* name, std::uint64_t& into, const char* help) {
        return add_parsed(name, "BYTES", help, [name, &into](const std::string& text) {
            const auto value = parse_size(text);
            if (!value)
                throw CLI::ValidationError(name, "takes bytes, such as 4096, 64k, 10M or 1G");
            into = *value;
        });
    }
    template <class T>
    CLI::Option* number(const char* name, T& into, T least, T most, const char* help) {
        CLI::Validator range = CLI::Range(least, most);
        if constexpr (std::is_floating_point_v<T>) // nan is neither below the range nor above it
            range =
                CLI::Validator(
                    [](std::string& text) {
                        return std::isnan(std::strtod(text.c_str(), nullptr)) ? "no number" : "";
                    },
                    "") &
                range;
        range.description(""); // the help is long enough
        return finish(app_.add_option(name, into, wrapped(help))->check(range), "N");
    }
    CLI::Option* text(const char* name, std::string& into, const char* type, const char* help) {
        return finish(app_.add_option(name, into, wrapped(help)), type);
    }
    CLI::Option* flag(const char* name, bool& into, const char* help) {
        return app_.add_flag(name, into, wrapped(help))->group(group_);
    }
    CLI::Option* list(const char* name, std::vector<std::string>& into, const char* type,
                      const char* help) {
        return app_.add_option(name, into, wrapped(help))
            ->expected(1)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->type_name(type)
            ->group(group_);
    }
    CLI::Option* add_parsed(const char* name, const char* type, const char* help,
                            std::function<void(const std::string&)> read) {
        return finish(app_.add_option_function<std::string>(name, std::move(read), wrapped(help)),
                      type);
    }

private:
    CLI::Option* finish(CLI::Option* option, const char* type) {
        return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
            ->type_name(type)
            ->group(group_);
    }

    CLI::App& app_;
    const char* group_ = "";
};

/// What is kept apart until all of it is known.
struct raw_options {
    std::vector<std::string> headers;
    std::vector<std::string> data;
    std::optional<std::string> json_body;
    std::string output;
    bool json = false;
    bool quiet = false;
    bool head = false;
    bool completion = false;
};

template <class Enum>
std::function<void(const std::string&)> one_of(const char* name, Enum& into,
                                               std::map<std::string, Enum> names) {
    return [name, &into, names = std::move(names)](const std::string& text) {
        const auto found = names.find(text);
        if (found == names.end()) {
            std::string all;
            for (const auto& [each, value] : names)
                all += (all.empty() ? "" : ", ") + each;
            throw CLI::ValidationError(name, "takes one of " + all);
        }
        into = found->second;
    };
}

void add_request_options(option_list& add, options& o, raw_options& raw) {
    add.group("Requests");
    add.add_parsed("-X,--request", "METHOD", "the method, instead of GET, or POST with a body",
                   [&o](const std::string& text) {
                       if (!is_method(text))
                           throw CLI::ValidationError("--request", "'" + text + "' is no method");
                       o.request.method = text;
                   });
    add.list("-H,--header", raw.headers, "HEADER|@FILE",
             "a header of each request, or a file of them");
    add.list("-d,--data", raw.data, "DATA|@FILE", "the body; several are joined by &");
    add.add_parsed("--json-body", "JSON|@FILE", "the body, and the headers for JSON",
                   [&raw](const std::string& text) { raw.json_body = text; });
    add.flag("-I,--head", raw.head, "ask for the headers alone");
    add.text("-A,--user-agent", o.request.user_agent, "TEXT", "the User-Agent of each request");
}

void add_limit_options(option_list& add, options& o) {
    add.group("How much at a time");
    add.number("-j,--jobs", o.lanes.jobs, 1u, 10'000u, "most requests at a time (10)");
    add.number("--per-host", o.lanes.per_host, 1u, 10'000u, "most at a time for each host");
    add.number("--rate", o.lanes.rate, 0.001, 1e6, "most requests a second");
    add.number("--per-host-rate", o.lanes.per_host_rate, 0.001, 1e6, "the same for each host");
    add.number("--breaker", o.lanes.breaker, 0u, 1'000'000u,
               "targets that fail in a row before a host is left alone; 0: never (10)");
    add.seconds("--breaker-reset", o.lanes.breaker_reset,
                "how long it is, before one request finds out (5)");

    add.group("Time limits");
    add.seconds("--connect-timeout", o.request.connect_timeout, "for a connection (10)");
    add.seconds("--stall-timeout", o.request.stall_timeout,
                "without a byte, in whole seconds (no limit)");
    add.seconds("--timeout", o.request.timeout, "for one attempt (30)");
    add.seconds("--total-timeout", o.total_timeout, "for everything (no limit)");

    add.group("Retries");
    add.number("--retries", o.retry.retries, 0u, 100u, "further attempts after a failure (2)");
    add.seconds("--backoff", o.retry.backoff,
                "the longest pause before the first retry; it doubles, and is random (0.2)");
    add.text(
        "--retry-on", o.retry.on, "LIST",
        "statuses, 5xx, and names of failures (408, 425, 429, 5xx but 501 and 505, dns, connect, "
        "timeout, stall, closed)");
    add.flag("--retry-all-methods", o.retry.all_methods,
             "also POST and the like, which may then happen twice");
    add.seconds("--max-retry-after", o.retry.max_retry_after,
                "the longest pause that a server can ask for (60)");
    add.add_parsed("--retry-budget", "N", "most retries of the whole run (no limit)",
                   [&o](const std::string& text) {
                       const auto value = parse_size(text);
                       if (!value)
                           throw CLI::ValidationError("--retry-budget", "takes a number");
                       o.retry.budget = *value;
                   });
    add.flag("--fail-fast", o.fail_fast, "start nothing more after the first target that failed");
}

void add_output_options(option_list& add, options& o, raw_options& raw) {
    add.group("Output");
    add.text("-o,--output", raw.output, "TEMPLATE|-",
             "the file for each body, by {id}, {n}, {host} and {name}; - for standard output");
    add.flag("--skip-existing", o.skip_existing, "a target whose file is there already is done");
    add.flag("--json", raw.json, "tell of each target as a JSON object, and nothing else");
    add.flag("-q,--quiet", raw.quiet, "tell of nothing but by the exit code");
    add.add_parsed("--check", "KIND",
                   "what makes an answer a success: status (2xx, the default), json (and the body "
                   "is JSON), none (any answer)",
                   one_of<check_kind>("--check", o.body.check,
                                      {{"status", check_kind::status},
                                       {"json", check_kind::json},
                                       {"none", check_kind::none}}));
    add.flag("--checksum", o.body.checksum, "tell the SHA-256 of each body");
    add.size("--max-body", o.body.max_body, "the largest body, unpacked (1G)");
    add.size("--max-in-flight", o.body.max_in_flight,
             "what all bodies together may hold in memory; the rest waits in files (64M)");
    add.add_parsed(
        "--progress", "KIND",
        "on standard error: bar, lines, none; auto (the default) is a bar on a terminal, "
        "else a line every ten seconds",
        one_of<progress_kind>("--progress", o.progress,
                              {{"auto", progress_kind::automatic},
                               {"bar", progress_kind::bar},
                               {"lines", progress_kind::lines},
                               {"none", progress_kind::none}}));
    add.text("--journal", o.journal, "FILE",
             "write down what is done, and leave out what was done before");
    add.flag("--if-changed", o.if_changed,
             "with --journal: fetch what was done before anew if it has changed (ETag, "
             "Last-Modified)");
    add.text("--metrics", o.metrics, "FILE", "write Prometheus metrics at the end");
}

void take_headers(options& o, const std::vector<std::string>& texts) {
    for (const auto& each : texts) {
        std::istringstream lines(text_or_file(each, "--header"));
        std::string line;
        while (std::getline(lines, line)) {
            line.erase(line.find_last_not_of("\r\n") + 1);
            if (line.empty() && each.starts_with('@'))
                continue;
            if (!is_header(line))
                throw usage_error("--header: " + (each.starts_with('@') ? each : "'" + line + "'") +
                                  " is not 'Name: value'");
            o.request.headers.push_back(line);
        }
    }
}

/// The body for `--json-body`.
std::string json_text(const std::string& option) {
    std::string text = text_or_file(option, "--json-body");
    json_check check;
    check.write(text);
    std::string wrong = check.finish();
    if (wrong.empty() && text.find_first_not_of(" \t\r\n") == std::string::npos)
        wrong = "there is nothing in it";
    if (!wrong.empty())
        throw usage_error("--json-body is not JSON: " + wrong);
    return text;
}

void finish(options& o, const raw_options& raw) {
    check_together(o.request.curl);
    take_headers(o, raw.headers);
    for (const auto& each : raw.data) {
        if (o.request.body)
            *o.request.body += '&';
        else
            o.request.body.emplace();
        *o.request.body += text_or_file(each, "--data");
    }
    if (raw.json_body) {
        if (o.request.body)
            throw usage_error("--data and --json-body exclude each other");
        o.request.body = json_text(*raw.json_body);
        for (const char* name : {"Content-Type", "Accept"})
            if (std::none_of(o.request.headers.begin(), o.request.headers.end(),
                             [name](const auto& each) {
                                 return CLI::detail::to_lower(each).starts_with(
                                     CLI::detail::to_lower(name) + ":");
                             }))
                o.request.headers.push_back(std::string(name) + ": application/json");
    }
    if (raw.head && o.request.body)
        throw usage_error("--head excludes --data and --json-body");
    if (raw.head && !o.request.method.empty() && o.request.method != "HEAD")
        throw usage_error("--head excludes --request");
    if (raw.head)
        o.request.method = "HEAD";
    if (has_controls(o.request.user_agent))
        throw usage_error("--user-agent contains a control character");
    if (raw.json && raw.quiet)
        throw usage_error("--json and --quiet exclude each other");
    if (raw.output == "-" && (raw.json || raw.quiet))
        throw usage_error("--output - excludes --json and --quiet");
    o.output = raw.json            ? output_kind::json
               : raw.quiet         ? output_kind::quiet
               : raw.output == "-" ? output_kind::bodies
                                   : output_kind::lines;
    if (raw.output != "-")
        o.files = raw.output;
    try {
        if (!o.files.empty())
            output_template{o.files};
    } catch (const std::invalid_argument& e) {
        throw usage_error(std::string("--output: ") + e.what());
    }
    try {
        retry_rules{o.retry};
    } catch (const std::invalid_argument& e) {
        throw usage_error(std::string("--retry-on: ") + e.what());
    }
    if (o.skip_existing && o.files.empty())
        throw usage_error("--skip-existing needs --output with a template");
    if (o.if_changed && o.journal.empty())
        throw usage_error("--if-changed needs --journal, which remembers what to compare with");
    if (o.demo && !(o.arguments.empty() && o.lists.empty()))
        throw usage_error("--demo takes no targets, but got '" +
                          (o.arguments.empty() ? o.lists : o.arguments).front() + "'");
    if (!o.demo && o.arguments.empty() && o.lists.empty())
        throw usage_error("nothing to fetch: give URLs, ids or --input, or --demo (see --help)");
}

} // namespace

std::optional<options> parse_options(int argc, char** argv) {
    options result;
    raw_options raw;
    CLI::App app{description, "fetcher"};
    app.footer(examples);
    // Not before it is asked for: libcurl then loads what LDAP may need, which takes a millisecond.
    app.set_version_flag("-V,--version", std::function<std::string()>(version_text));
    app.get_formatter()->column_width(36);
    option_list add(app);

    app.add_option("what", result.arguments, "URLs; with --base-url ids: 7, 1-20, 001-100, names")
        ->type_name("");
    add.group("Targets");
    add.text("--base-url", result.base_url, "URL",
             "where ids are: {} is replaced by the id, else /ID appended");
    add.list("-i,--input", result.lists, "FILE|-",
             "targets from a file, one a line: a URL, an id, or a JSON object with url or id, and "
             "method, headers, body, output, sha256");
    add_request_options(add, result, raw);
    add_curl_options(app, result.request.curl);
    add_limit_options(add, result);
    add_output_options(add, result, raw);
    add.group("Other");
    std::string config;
    add.text("--config", config, "FILE", "options, one a line: name = value");
    add.add_parsed("--completion", "SHELL", "print the completions for bash, zsh or fish",
                   [](const std::string&) {});
    add.flag("--demo", result.demo, "fetch from a server of its own on loopback");

    try {
        auto arguments = with_other_sources(argc, argv, app);
        std::reverse(arguments.begin(), arguments.end()); // CLI11 takes them from the back
        app.parse(std::move(arguments));
        if (const auto* shell = app.get_option("--completion"); shell->count() > 0) {
            std::cout << completion(app, shell->as<std::string>());
            return std::nullopt;
        }
        finish(result, raw);
        if (result.demo)
            for (const char* name : {"--base-url", "--timeout", "--total-timeout", "--retries",
                                     "--backoff", "--output", "--breaker", "--breaker-reset"})
                if (app.get_option(name)->count() > 0)
                    throw usage_error(std::string("--demo excludes ") + name);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        return std::nullopt;
    } catch (const CLI::CallForVersion& e) {
        std::cout << e.what() << '\n';
        return std::nullopt;
    } catch (const CLI::ParseError& e) {
        throw usage_error(e.what());
    }
    return result;
}

} // namespace fetcher
