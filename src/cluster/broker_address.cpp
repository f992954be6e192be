// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "broker_address.hpp"

#include "frame.hpp"

#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace ferry::detail::cluster {
namespace {

constexpr std::size_t largest_message = std::size_t(128) << 20; // RabbitMQ's own default limit

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument("cluster_options::" + why);
}

std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        unsigned value = 0;
        if (i + 2 >= text.size() ||
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr !=
                text.data() + i + 3)
            refuse("url has a '%' that two hexadecimal digits do not follow");
        plain += static_cast<char>(value);
        i += 2;
    }
    return plain;
}

std::string hexadecimal(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

} // namespace

std::string broker_address::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return std::string(tls ? "amqps://" : "amqp://") + user + "@" +
           (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/" +
           (vhost == "/" ? "" : vhost);
}

broker_address parse_address(const std::string& url) {
    broker_address a;
    std::string_view rest = url;
    if (rest.starts_with("amqps://"))
        rest.remove_prefix(8);
    else if (rest.starts_with("amqp://"))
        a.tls = false, rest.remove_prefix(7);
    else
        refuse("url must begin with amqps:// or amqp://");
    a.port = a.tls ? 5671 : 5672;
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    std::string_view authority = rest.substr(0, slash);
    if (slash + 1 < rest.size())
        a.vhost = decoded(rest.substr(slash + 1));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const auto account = authority.substr(0, at);
        const auto colon = std::min(account.find(':'), account.size());
        a.user = decoded(account.substr(0, colon));
        if (colon != account.size())
            a.password = decoded(account.substr(colon + 1));
        authority.remove_prefix(at + 1);
    }
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos)
            refuse("url has a '[' without a ']'");
        a.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        a.host = authority.substr(0, colon);
        port = authority.substr(colon);
    }
    if (!port.empty()) {
        unsigned number = 0;
        const auto end = port.data() + port.size();
        if (port[0] != ':' || std::from_chars(port.data() + 1, end, number).ptr != end ||
            number == 0 || number > 65535)
            refuse("url has a port that is not a number from 1 to 65535");
        a.port = static_cast<std::uint16_t>(number);
    }
    if (a.host.empty())
        refuse("url names no host");
    if (a.user.empty())
        refuse("url has an empty user name");
    return a;
}

bool is_loopback(const std::string& host) noexcept {
    if (host == "localhost" || host == "::1")
        return true;
    return host.starts_with("127.") && std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= '0' && c <= '9') || c == '.';
           });
}

broker_address check_options(const cluster_options& o) {
    broker_address a = parse_address(o.url);
    if (!a.tls && !o.allow_plaintext && !is_loopback(a.host))
        refuse("url: " + a.text() +
               " would send tasks and the password in the clear; use amqps://, or set "
               "allow_plaintext");
    const auto is_fine = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '_' || c == '-';
    };
    if (o.application.empty() || o.application.size() > 100 ||
        !std::all_of(o.application.begin(), o.application.end(), is_fine))
        refuse("application must be 1 to 100 letters, digits, '.', '_' or '-'");
    if (o.max_message == 0 || o.max_message > largest_message)
        refuse("max_message must be 1 to " + std::to_string(largest_message) + ", not " +
               std::to_string(o.max_message));
    const auto beat = o.heartbeat.limit();
    if (!beat || *beat < std::chrono::milliseconds(50) || *beat > std::chrono::hours(1))
        refuse("heartbeat must be 50 ms to 1 h");
    return a;
}

std::string task_queue_name(const cluster_options& o) {
    return o.match == cluster_match::same_build
               ? o.application + "/" + hexadecimal(program_identity())
               : o.application + "/any";
}
std::string exchange_name(const cluster_options& o) { return "ferry." + o.application; }

std::string unique_queue_name(const char* prefix) {
    std::uint64_t random[2] = {};
    if (::getrandom(random, sizeof random, 0) != sizeof random)
        throw std::system_error(errno, std::generic_category(), "getrandom");
    return prefix + hexadecimal(random[0]) + hexadecimal(random[1]);
}

std::string password_for(const cluster_options& o, const broker_address& a) {
    if (o.password)
        return o.password();
    if (!o.password_file.empty()) {
        std::ifstream file(o.password_file);
        std::string line;
        if (!std::getline(file, line) && line.empty())
            throw std::runtime_error("cluster_options::password_file '" + o.password_file.string() +
                                     "' cannot be read");
        while (line.ends_with('\r') || line.ends_with('\n'))
            line.pop_back();
        return line;
    }
    return a.password.empty() ? "guest" : a.password;
}

} // namespace ferry::detail::cluster
