// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "curl_options.hpp"

#include "help.hpp"
#include "unique_fd.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>
#include <string>

namespace fetcher {
namespace {

enum class kind { flag, text, secret, file, number, list };

/// An option of the command line, and what it is for libcurl.
struct row {
    kind is;
    const char* names;
    const char* type;
    CURLoption option;
    long value; // of a flag
    const char* group;
    const char* help;
};

constexpr const char* request = "Requests";
constexpr const char* connection = "Connections";
constexpr const char* security = "TLS";

constexpr row rows[] = {
    {kind::flag, "-L,--location", "", CURLOPT_FOLLOWLOCATION, 1, request, "follow redirects"},
    {kind::number, "--max-redirs", "N", CURLOPT_MAXREDIRS, 0, request,
     "most redirects that are followed (10)"},
    {kind::flag, "--compressed", "", CURLOPT_ACCEPT_ENCODING, 0, request,
     "ask for a compressed answer, and unpack it"},
    {kind::secret, "-u,--user", "NAME:PASSWORD|@FILE", CURLOPT_USERPWD, 0, request,
     "who asks, by basic authentication"},
    {kind::flag, "-n,--netrc", "", CURLOPT_NETRC, CURL_NETRC_OPTIONAL, request,
     "who asks, from ~/.netrc"},
    {kind::file, "--netrc-file", "FILE", CURLOPT_NETRC_FILE, 0, request,
     "with --netrc, another file"},
    {kind::text, "-e,--referer", "URL", CURLOPT_REFERER, 0, request, "the Referer of each request"},
    {kind::secret, "-b,--cookie", "NAME=VALUE|@FILE", CURLOPT_COOKIE, 0, request,
     "the Cookie of each request"},
    {kind::flag, "--http1.1", "", CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1, connection,
     "only HTTP/1.1"},
    {kind::flag, "--http2", "", CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2, connection,
     "HTTP/2 also without TLS, if the server upgrades to it"},
    {kind::flag, "--http2-prior-knowledge", "", CURLOPT_HTTP_VERSION,
     CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, connection, "HTTP/2 without asking first"},
    {kind::text, "-x,--proxy", "URL", CURLOPT_PROXY, 0, connection,
     "go through that proxy; '' for none, whatever the environment says"},
    {kind::text, "--noproxy", "HOSTS", CURLOPT_NOPROXY, 0, connection,
     "hosts, with commas, that no proxy is used for"},
    {kind::list, "--resolve", "HOST:PORT:ADDRESS", CURLOPT_RESOLVE, 0, connection,
     "the address of a host, instead of asking for it"},
    {kind::flag, "-4,--ipv4", "", CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4, connection, "only IPv4"},
    {kind::flag, "-6,--ipv6", "", CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V6, connection, "only IPv6"},
    {kind::file, "--cacert", "FILE", CURLOPT_CAINFO, 0, security,
     "certificates to trust, instead of the system's"},
    {kind::file, "-E,--cert", "FILE", CURLOPT_SSLCERT, 0, security, "certificate to show"},
    {kind::file, "--key", "FILE", CURLOPT_SSLKEY, 0, security, "the private key for --cert"},
    {kind::flag, "-k,--insecure", "", CURLOPT_SSL_VERIFYPEER, 0, security,
     "trust any server: whoever listens can read and change everything"},
};

[[noreturn]] void refuse(const char* option, const std::string& why) {
    throw CLI::ValidationError(option, why);
}

void set_text(std::vector<curl_setting>& settings, const row& which, std::string text) {
    if (which.is == kind::secret) {
        text = text_or_file(text, which.names);
        text.erase(text.find_last_not_of("\r\n") + 1);
    }
    // Here, where it is one mistake, and not for each target. What is no file has a scheme.
    if (which.is == kind::file && text.find(':') == std::string::npos &&
        ::access(text.c_str(), R_OK) != 0)
        refuse(which.names, "cannot read '" + text + "': " + std::strerror(errno));
    if (which.is != kind::number) {
        settings.push_back({which.option, std::move(text)});
        return;
    }
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 1000)
        refuse(which.names, "takes a number from 0 to 1000");
    settings.push_back({which.option, value});
}

void set_list(std::vector<curl_setting>& settings, const row& which,
              const std::vector<std::string>& texts) {
    curl_slist* begin = nullptr;
    for (const auto& each : texts)
        begin = curl_slist_append(begin, each.c_str());
    settings.push_back({which.option, std::shared_ptr<curl_slist>(begin, curl_slist_free_all)});
    for (const auto& each : texts)
        if (each.find(':', each.find(':') + 1) == std::string::npos ||
            each.find(':') == std::string::npos)
            refuse(which.names, "'" + each + "' is not " + which.type);
}

void set_flag(std::vector<curl_setting>& settings, const row& which) {
    if (which.option == CURLOPT_ACCEPT_ENCODING) {
        settings.push_back({which.option, std::string()}); // whatever libcurl can unpack
        return;
    }
    settings.push_back({which.option, which.value});
    if (which.option == CURLOPT_SSL_VERIFYPEER)
        settings.push_back({CURLOPT_SSL_VERIFYHOST, 0L});
}

} // namespace

std::string content_of(const std::string& name, const char* option) {
    unique_fd file(name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                               : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    constexpr std::size_t piece = 16 << 10;
    for (;;) {
        const std::size_t old = content.size();
        content.resize(old + piece);
        const ssize_t got = ::read(file.get(), content.data() + old, piece);
        content.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0)
            return content;
        if (got < 0 && errno != EINTR)
            refuse(option, "cannot read '" + name + "': " + std::strerror(errno));
    }
}

std::string text_or_file(const std::string& text, const char* option) {
    return text.starts_with('@') ? content_of(text.substr(1), option) : text;
}

void add_curl_options(CLI::App& app, std::vector<curl_setting>& settings) {
    settings.push_back({CURLOPT_MAXREDIRS, 10L});
    for (const row& each : rows) {
        CLI::Option* option = nullptr;
        if (each.is == kind::flag)
            option = app.add_flag_function(
                each.names,
                [&settings, &each](std::int64_t count) {
                    if (count > 0)
                        set_flag(settings, each);
                },
                wrapped(each.help));
        else if (each.is == kind::list)
            option = app.add_option_function<std::vector<std::string>>(
                            each.names,
                            [&settings, &each](const std::vector<std::string>& texts) {
                                set_list(settings, each, texts);
                            },
                            wrapped(each.help))
                         ->expected(1)
                         ->allow_extra_args(false)
                         ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                         ->type_name(each.type);
        else
            option = app.add_option_function<std::string>(
                            each.names,
                            [&settings, &each](const std::string& text) {
                                set_text(settings, each, text);
                            },
                            wrapped(each.help))
                         ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
                         ->type_name(each.type);
        option->group(each.group);
    }
}

} // namespace fetcher
