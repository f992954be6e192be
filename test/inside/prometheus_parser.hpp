// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inside/utf8.hpp"

#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/// The text format of Prometheus, read strictly: throws std::runtime_error for what a server would
/// refuse, or `promtool` would complain of.
class prometheus_page {
public:
    using labels = std::map<std::string, std::string>;
    struct sample {
        std::string name;
        labels of;
        double value;
    };

    explicit prometheus_page(const std::string& text) {
        check(text.empty() || text.back() == '\n', "the last line has no end", text);
        check(ferry::detail::valid_utf8(text) == text, "invalid UTF-8", text);
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);)
            read_line(line);
        check_histograms();
    }

    /// The value of the sample with exactly these labels; throws if there is none.
    double value(const std::string& name, const labels& of) const {
        for (const auto& s : samples) {
            if (s.name == name && s.of == of)
                return s.value;
        }
        throw std::runtime_error("no sample " + name);
    }
    std::vector<sample> all(const std::string& name) const {
        std::vector<sample> found;
        for (const auto& s : samples) {
            if (s.name == name)
                found.push_back(s);
        }
        return found;
    }

    std::vector<sample> samples;
    std::map<std::string, std::string> types;

private:
    static void check(bool good, const char* why, const std::string& where) {
        if (!good)
            throw std::runtime_error(std::string(why) + ": " + where);
    }
    static bool is_name(const std::string& s) {
        return !s.empty() &&
               s.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    }

    void read_line(const std::string& line) {
        if (line.starts_with("# ")) {
            std::istringstream in(line.substr(2));
            std::string what, name, rest;
            in >> what >> name;
            std::getline(in, rest);
            check((what == "HELP" || what == "TYPE") && is_name(name) && rest.size() > 1, "comment",
                  line);
            if (what == "TYPE") {
                check(helped_.contains(name), "no help before", line);
                check(types.emplace(name, rest.substr(1)).second, "family twice", line);
                family_ = name;
                if (types[name] == "counter")
                    check(name.ends_with("_total"), "a counter's name ends in _total", line);
            } else {
                check(helped_.insert(name).second, "help twice", line);
            }
            return;
        }
        sample s;
        std::size_t i = line.find_first_of("{ ");
        check(i != std::string::npos, "sample", line);
        s.name = line.substr(0, i);
        check(is_name(s.name), "name", line);
        std::string base = s.name;
        if (types[family_] == "histogram") {
            for (const char* suffix : {"_bucket", "_sum", "_count"}) {
                if (base == family_ + suffix)
                    base = family_;
            }
        }
        check(base == family_, "sample outside of its family", line);
        if (line[i] == '{')
            i = read_labels(line, i + 1, s.of);
        check(line[i] == ' ', "no space before the value", line);
        const std::string number = line.substr(i + 1);
        char* end = nullptr;
        s.value = std::strtod(number.c_str(), &end);
        check(!number.empty() && *end == '\0' && !std::isnan(s.value), "value", line);
        for (const auto& other : samples)
            check(other.name != s.name || other.of != s.of, "series twice", line);
        samples.push_back(s);
    }

    static std::size_t read_labels(const std::string& line, std::size_t i, labels& to) {
        for (;;) {
            const std::size_t equals = line.find('=', i);
            check(equals != std::string::npos && equals + 1 < line.size() &&
                      line[equals + 1] == '"',
                  "label", line);
            const std::string name = line.substr(i, equals - i);
            check(is_name(name), "name of a label", line);
            std::string value;
            for (i = equals + 2; i < line.size() && line[i] != '"'; ++i) {
                if (line[i] != '\\') {
                    value += line[i];
                    continue;
                }
                check(++i < line.size() && std::string("\\\"n").find(line[i]) != std::string::npos,
                      "escape", line);
                value += line[i] == 'n' ? '\n' : line[i];
            }
            check(i + 1 < line.size(), "label without an end", line);
            check(to.emplace(name, value).second, "label twice", line);
            if (line[i + 1] == '}')
                return i + 2;
            check(line[i + 1] == ',', "no comma", line);
            i += 2;
        }
    }

    void check_histograms() const {
        for (const auto& [name, type] : types) {
            if (type != "histogram")
                continue;
            std::map<labels, std::map<double, double>> buckets;
            for (const auto& s : all(name + "_bucket")) {
                labels rest = s.of;
                check(rest.contains("le"), "bucket without le", name);
                const std::string le = rest["le"];
                rest.erase("le");
                buckets[rest][le == "+Inf" ? HUGE_VAL : std::strtod(le.c_str(), nullptr)] = s.value;
            }
            for (const auto& [of, counts] : buckets) {
                double last = 0;
                for (const auto& [le, count] : counts) {
                    check(count >= last, "buckets that shrink", name);
                    last = count;
                }
                check(counts.contains(HUGE_VAL), "no +Inf", name);
                check(value(name + "_count", of) == last, "_count is not +Inf's", name);
                check(value(name + "_sum", of) >= 0, "_sum", name);
            }
        }
    }

    std::set<std::string> helped_;
    std::string family_;
};
