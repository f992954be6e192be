// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "help.hpp"

#include <CLI/CLI.hpp>
#include <curl/curl.h>

#include <algorithm>

namespace fetcher {

const char* const description = "Fetches many URLs at a time: tells how each went, retries, leaves "
                                "hosts alone that fail or ask\n"
                                "for it, and keeps its memory whatever there is to fetch.";

const char* const examples =
    R"(Names of failures: url dns connect tls timeout stall closed protocol redirects status json checksum
too-large output circuit-open descriptors gave-up other.

Examples:
  fetcher --base-url https://api.example.com/items 1-1000
  fetcher 'https://api.example.com/items/{}?full=1' 001-100 -j 50 -o 'items/{id}.json'
  fetcher -i urls.txt --json >results.jsonl
  printf '%s\n' '{"url": "https://api.example.com/a", "method": "PUT", "body": {"x": 1}}' | fetcher -i -
  fetcher -i urls.txt -o 'out/{host}/{name}' --skip-existing --rate 20 --per-host 4

Exit codes: 0 all succeeded, 1 some failed, 2 the command line cannot be used, 3 all failed, 4 output
could not be written, 130 and 143 interrupted by Ctrl-C and SIGTERM: the first one lets end what is under
way, the second one cuts it.

Environment: FETCHER_CONFIG names a file as --config does; FETCHER_JOBS is --jobs, and so on for all
options. The command line comes before the environment, and that before the file.)";

std::string wrapped(const std::string& text) {
    constexpr std::size_t width = 64;
    std::string result;
    std::size_t begin = 0;
    while (text.size() - begin > width) {
        auto end = text.rfind(' ', begin + width);
        if (end == std::string::npos || end <= begin)
            break;
        result += text.substr(begin, end - begin) + '\n';
        begin = end + 1;
    }
    return result + text.substr(begin);
}

std::string version_text() { return std::string("fetcher 1.0\n") + curl_version(); }

namespace {

struct described {
    std::string long_name, short_name, help;
    bool takes_value;
};

std::vector<described> options_of(const CLI::App& app) {
    std::vector<described> result;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_lnames().empty())
            continue;
        std::string help = option->get_description();
        std::replace(help.begin(), help.end(), '\n', ' ');
        help.resize(std::min(help.find_first_of("(;:[]'"), help.size()));
        result.push_back({option->get_lnames()[0],
                          option->get_snames().empty() ? "" : option->get_snames()[0], help,
                          option->get_items_expected_max() > 0});
    }
    return result;
}

std::string for_bash(const std::vector<described>& all) {
    std::string names;
    for (const auto& each : all)
        names += (names.empty() ? "--" : " --") + each.long_name;
    return "_fetcher() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]}\n"
           "    if [[ $word == -* ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W '" +
           names +
           "' -- \"$word\")\n"
           "    else\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _fetcher fetcher\n";
}

std::string for_zsh(const std::vector<described>& all) {
    std::string result = "#compdef fetcher\n_arguments -s \\\n";
    for (const auto& each : all)
        result += "  '--" + each.long_name + "[" + each.help + "]" +
                  (each.takes_value ? ":value:_files" : "") + "' \\\n";
    return result + "  '*:target:_files'\n";
}

std::string for_fish(const std::vector<described>& all) {
    std::string result;
    for (const auto& each : all)
        result += "complete -c fetcher -l " + each.long_name +
                  (each.short_name.empty() ? "" : " -s " + each.short_name) +
                  (each.takes_value ? " -r" : "") + " -d '" + each.help + "'\n";
    return result;
}

} // namespace

std::string completion(const CLI::App& app, const std::string& shell) {
    const auto all = options_of(app);
    if (shell == "bash")
        return for_bash(all);
    if (shell == "zsh")
        return for_zsh(all);
    if (shell == "fish")
        return for_fish(all);
    throw CLI::ValidationError("--completion", "takes one of bash, fish, zsh");
}

} // namespace fetcher
