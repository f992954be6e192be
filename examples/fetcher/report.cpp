// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "report.hpp"

#include "text.hpp"
#include "transfer_many.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace json = boost::json;

namespace fetcher {
namespace {

long long ms(std::chrono::microseconds what) { return (what.count() + 500) / 1000; }

std::string seconds(std::chrono::duration<double> what, int digits = 2) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, what.count());
    return text;
}

const char* http_name(long version) {
    switch (version) {
    case CURL_HTTP_VERSION_1_0: return "1.0";
    case CURL_HTTP_VERSION_1_1: return "1.1";
    case CURL_HTTP_VERSION_2_0: return "2";
    case CURL_HTTP_VERSION_3: return "3";
    default: return "";
    }
}

std::string quantiles(const histogram& of) {
    std::ostringstream out;
    out << "p50 " << ms(of.quantile(0.5)) << " ms, p90 " << ms(of.quantile(0.9)) << " ms, p99 "
        << ms(of.quantile(0.99)) << " ms, max " << ms(of.max()) << " ms";
    return out.str();
}

void add_names(std::ostream& out, const std::vector<std::string>& names, std::uint64_t all) {
    for (const auto& each : names)
        out << "  " << each << '\n';
    if (all > names.size())
        out << "  ... and " << all - names.size() << " more\n";
}

} // namespace

std::string worker_name(const job& what) { return "fetch_" + std::to_string(what.worker); }

void report::add(const job& what, clock::time_point now) {
    ++(what.why == failure::none ? succeeded_ : failed_);
    if (what.why != failure::none) {
        ++failures_[static_cast<std::size_t>(what.why)];
        if (failed_names_.size() < most_names)
            failed_names_.push_back(printable(what.what.id) + ": " + printable(what.error));
    }
    not_modified_ += what.not_modified ? 1 : 0;
    attempts_ += what.attempts.size();
    bytes_ += what.body.size();
    for (const auto& each : what.attempts) {
        connections_ += static_cast<std::uint64_t>(std::max(each.connections, 0L));
        reused_ += each.status != 0 && each.connections == 0 ? 1 : 0;
    }
    if (what.attempts.empty() || what.why == failure::gave_up)
        return;
    transfer_.add(what.elapsed());
    whole_.add(std::chrono::duration_cast<std::chrono::microseconds>(now - what.entered));
    const auto& times = what.times;
    const std::array parts{times.dns, times.connect, times.tls, times.wait, times.read};
    for (std::size_t n = 0; n < parts.size(); ++n)
        phases_[n] += parts[n];
}

void report::add_unfinished(const job& what) {
    ++unfinished_;
    attempts_ += what.attempts.size();
    if (unfinished_names_.size() < most_names)
        unfinished_names_.push_back(printable(what.what.id));
}

std::uint64_t report::unfinished() const {
    return std::max(unfinished_, total_.value_or(0) - std::min(total_.value_or(0), done()));
}

// By appending: a stream costs more than the rest of it.
std::string report::line(job& what) const {
    std::string out = "[" + std::to_string(done()) + '/';
    out += total_ ? std::to_string(*total_) : "?";
    out += "] " + printable(what.what.id) + ' ';
    out += what.status == 0 ? "-" : std::to_string(what.status);
    out += ' ' + std::to_string(ms(what.elapsed())) + "ms " + std::to_string(what.attempts.size());
    out += what.attempts.size() == 1 ? " attempt " : " attempts ";
    out += what.attempts.empty() ? "-" : worker_name(what);
    if (what.why != failure::none)
        out += ' ' + printable(what.error);
    else if (what.not_modified)
        out += " not modified";
    else if (!what.output.empty())
        out += " -> " + printable(what.output_path()) + " (" + size_text(what.body.size()) + ')';
    else if (const auto text = what.body.beginning().text(); !text.empty())
        out += ' ' + text;
    if (const auto& hash = what.body.hash(); !hash.empty() && !what.not_modified)
        out += " sha256 " + hash;
    out += '\n';
    return out;
}

std::string report::json(job& what) const {
    json::object out;
    out["id"] = what.what.id;
    out["url"] = masked(what.what.url);
    out["method"] = method_of(what, settings_);
    out["ok"] = what.why == failure::none;
    if (what.status != 0)
        out["status"] = what.status;
    if (what.why != failure::none) {
        out["failure"] = name_of(what.why);
        out["error"] = what.error;
    }
    json::array attempts;
    for (const auto& each : what.attempts) {
        json::object one;
        if (each.status != 0)
            one["status"] = each.status;
        if (each.why != failure::none) {
            one["failure"] = name_of(each.why);
            one["error"] = each.error;
        }
        one["us"] = each.elapsed.count();
        attempts.push_back(std::move(one));
    }
    out["attempts"] = std::move(attempts);
    out["bytes"] = what.body.size();
    if (what.not_modified)
        out["not_modified"] = true;
    if (const auto& hash = what.body.hash(); !hash.empty() && !what.not_modified)
        out["sha256"] = hash;
    if (!what.attempts.empty()) {
        const auto queue = what.started - what.entered;
        out["us"] = {
            {"queue", std::chrono::duration_cast<std::chrono::microseconds>(queue).count()},
            {"dns", what.times.dns.count()},
            {"connect", what.times.connect.count()},
            {"tls", what.times.tls.count()},
            {"wait", what.times.wait.count()},
            {"read", what.times.read.count()},
            {"total", what.times.total.count()}};
        out["worker"] = worker_name(what);
        if (const char* http = http_name(what.http_version); *http != '\0')
            out["http"] = http;
    }
    if (!what.final_url.empty())
        out["final_url"] = masked(what.final_url);
    if (!what.output.empty() && what.why == failure::none)
        out["output"] = what.output_path();
    return printable_json(json::serialize(out)) + '\n';
}

std::string report::summary(clock::time_point now) const {
    std::ostringstream out;
    out << "succeeded: " << succeeded() << " of ";
    if (total_)
        out << *total_;
    else
        out << done() + unfinished_ << " that were read";
    if (skipped_ > 0)
        out << " (" << skipped_ << " done before)";
    if (not_modified_ > 0)
        out << " (" << not_modified_ << " not modified)";
    out << '\n';
    if (failed_ > 0) {
        out << "failed: " << failed_ << " (";
        const char* separator = "";
        for (std::size_t n = 0; n < failure_count; ++n)
            if (failures_[n] > 0) {
                out << separator << name_of(static_cast<failure>(n)) << ' ' << failures_[n];
                separator = ", ";
            }
        out << ")\n";
        add_names(out, failed_names_, failed_);
    }
    if (unfinished() > 0 || unread_) {
        out << "not finished: " << unfinished()
            << (unread_ ? ", and the rest of the lists\n" : "\n");
        add_names(out, unfinished_names_, unfinished());
    }
    if (transfer_.count() > 0) {
        out << "average: " << ms(transfer_.average()) << " ms (" << quantiles(transfer_) << ")\n"
            << "with the queue: " << quantiles(whole_) << '\n'
            << "phases: ";
        const std::array names{"dns", "connect", "tls", "wait", "read"};
        for (std::size_t n = 0; n < names.size(); ++n)
            out << (n > 0 ? ", " : "") << names[n] << ' '
                << seconds(std::chrono::duration<double, std::milli>(phases_[n]) /
                               static_cast<double>(transfer_.count()) * 1000,
                           1)
                << " ms";
        out << "\nconnections: " << connections_ << " opened, reused " << reused_ << " times\n";
    }
    const std::chrono::duration<double> wall = now - begin_;
    out << "total: " << seconds(wall) << " s, " << attempts_ << " requests";
    if (retries_ > 0)
        out << " (" << retries_ << " retries)";
    out << ", " << size_text(bytes_);
    if (wall.count() > 0)
        out << ", " << static_cast<std::uint64_t>(static_cast<double>(attempts_) / wall.count())
            << " requests/s";
    out << '\n';
    return out.str();
}

std::string report::metrics(clock::time_point now) const {
    std::ostringstream out;
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
        out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << " counter\n"
            << name << ' ' << value << '\n';
    };
    counter("fetcher_targets_succeeded_total", "Targets that succeeded.", succeeded());
    counter("fetcher_targets_not_modified_total", "Targets that had not changed, of those.",
            not_modified_);
    out << "# HELP fetcher_targets_failed_total Targets that failed, by what they failed of.\n"
           "# TYPE fetcher_targets_failed_total counter\n";
    for (std::size_t n = 1; n < failure_count; ++n)
        out << "fetcher_targets_failed_total{failure=\"" << name_of(static_cast<failure>(n))
            << "\"} " << failures_[n] << '\n';
    counter("fetcher_requests_total", "Requests, retries included.", attempts_);
    counter("fetcher_retries_total", "Requests after a failure.", retries_);
    counter("fetcher_received_bytes_total", "Bytes of bodies, unpacked.", bytes_);
    counter("fetcher_connections_total", "Connections that were opened.", connections_);
    const auto summary = [&](const char* name, const char* help, const histogram& of) {
        out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << " summary\n";
        for (const double fraction : {0.5, 0.9, 0.99})
            out << name << "{quantile=\"" << fraction << "\"} " << seconds(of.quantile(fraction), 6)
                << '\n';
        out << name << "_sum " << seconds(of.sum(), 6) << '\n'
            << name << "_count " << of.count() << '\n';
    };
    summary("fetcher_transfer_seconds", "Time in transfers, by target.", transfer_);
    summary("fetcher_target_seconds", "Time since a target was read.", whole_);
    out << "# HELP fetcher_run_seconds Time that the run took.\n# TYPE fetcher_run_seconds gauge\n"
        << "fetcher_run_seconds " << seconds(now - begin_, 6) << '\n';
    return out.str();
}

} // namespace fetcher
