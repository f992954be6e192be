// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "option_sources.hpp"

#include "curl_options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>

namespace fetcher {
namespace {

std::string trimmed(const std::string& text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The name of the file, from the arguments or the environment; empty when there is none.
std::string config_name(const std::vector<std::string>& arguments) {
    std::string name;
    if (const char* text = std::getenv("FETCHER_CONFIG"))
        name = text;
    for (std::size_t n = 0; n < arguments.size() && arguments[n] != "--"; ++n) {
        if (arguments[n] == "--config" && n + 1 < arguments.size())
            name = arguments[n + 1];
        else if (arguments[n].starts_with("--config="))
            name = arguments[n].substr(9);
    }
    return name;
}

std::string variable_for(const std::string& option) {
    std::string name = "FETCHER_" + option;
    for (char& c : name)
        c = c == '-' || c == '.' ? '_'
                                 : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

} // namespace

std::vector<std::string> parse_config(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream lines(text);
    std::string line;
    for (int n = 1; std::getline(lines, line); ++n) {
        line = trimmed(line);
        if (line.empty() || line[0] == '#')
            continue;
        const auto equals = line.find('=');
        std::string name = trimmed(line.substr(0, equals));
        name.erase(0, name.find_first_not_of('-'));
        if (name.empty() || name.find_first_of(" \t\"'") != std::string::npos)
            throw CLI::ConfigError("--config: line " + std::to_string(n) + ": '" + line +
                                       "' is not 'name = value'",
                                   CLI::ExitCodes::ConfigError);
        result.push_back(
            "--" + name +
            (equals == std::string::npos ? "" : "=" + trimmed(line.substr(equals + 1))));
    }
    return result;
}

std::vector<std::string> with_other_sources(int argc, char** argv, const CLI::App& app) {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (std::find(arguments.begin(), arguments.end(), "--demo") != arguments.end())
        return arguments;
    std::vector<std::string> result;
    if (const std::string name = config_name(arguments); !name.empty()) {
        result = parse_config(content_of(name, "--config"));
    }
    for (const CLI::Option* option : app.get_options()) {
        const auto names = option->get_lnames();
        if (names.empty() || names[0] == "help" || names[0] == "version" || names[0] == "config" ||
            names[0] == "demo" || names[0] == "completion")
            continue;
        if (const char* value = std::getenv(variable_for(names[0]).c_str()))
            result.push_back("--" + names[0] + "=" + value);
    }
    result.insert(result.end(), arguments.begin(), arguments.end());
    return result;
}

} // namespace fetcher
